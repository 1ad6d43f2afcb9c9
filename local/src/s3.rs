//! S3 objects that other services read: files of a folder, `s3://bucket/key` being `FOLDER/bucket/key`.
//!
//! There is no S3 API here. Reading a file when a call names it is all that is done, so that a document can be
//! edited while the local AWS is up.

use crate::journal::Kind;
use crate::model::bad_value;
use crate::wire::ApiError;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The most bytes that a document may have which Image Builder reads: 64 KB.
const LIMIT: u64 = 64 * 1024;

/// Where the objects are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    folder: Option<PathBuf>,
}

impl Store {
    /// The objects that are the files of a folder.
    pub fn of(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }
}

/// The text of an object that the parameter `parameter` of a call names; `None` when no folder was given, for then
/// nothing is known of any object.
///
/// # Errors
/// `InvalidParameterValueException` for what is no S3 URI, for an object that isn't there, is larger than 64 KB or
/// isn't UTF-8.
pub(crate) fn text(world: &World, parameter: &str, uri: &str) -> Result<Option<String>, ApiError> {
    let refused = |reason: String| bad_value(parameter, reason);
    let path = path(uri).ok_or_else(|| refused(format!("Expected s3://bucket/key, and not '{uri}'.")))?;
    let Some(folder) = &world.s3.folder else { return Ok(None) };
    read(folder, &path).map(Some).map_err(|fault| {
        refused(match fault {
            Fault::Absent => format!("The object '{uri}' does not exist in {}.", folder.display()),
            Fault::Large => format!("The object '{uri}' is larger than 64 KB."),
            Fault::Unreadable(reason) => format!("The object '{uri}' can't be read: {reason}."),
        })
    })
}

/// [`text`] for a document that a resource is made of: one that isn't read for want of a folder is a warning in the
/// journal about `subject`.
///
/// # Errors
/// As [`text`].
pub(crate) fn document(
    world: &mut World,
    region: &str,
    subject: &str,
    parameter: &str,
    uri: &str,
) -> Result<Option<String>, ApiError> {
    let text = text(world, parameter, uri)?;
    if text.is_none() {
        world.record(Kind::Warning, subject, Some(region), format!("its document {}", unread(uri)));
    }
    Ok(text)
}

/// What to say of an object that isn't read for want of a folder.
pub(crate) fn unread(uri: &str) -> String {
    format!("{uri} isn't read locally without --s3 DIR, where DIR holds BUCKET/KEY")
}

#[derive(Debug)]
enum Fault {
    Absent,
    Large,
    Unreadable(String),
}

/// The path of an object below the folder. Names that would lead out of it are no objects' here.
fn path(uri: &str) -> Option<PathBuf> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', ':', '\0']);
    let parts: Vec<&str> = std::iter::once(bucket).chain(key.split('/')).collect();
    parts.iter().all(|part| plain(part)).then(|| parts.iter().collect())
}

fn read(folder: &Path, path: &Path) -> Result<String, Fault> {
    let fault = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Fault::Absent,
        _ => Fault::Unreadable(error.to_string()),
    };
    let file = fs::canonicalize(folder.join(path)).map_err(fault)?;
    // A link may lead out of the folder.
    if !file.starts_with(fs::canonicalize(folder).map_err(fault)?) || !file.is_file() {
        return Err(Fault::Absent);
    }
    let mut bytes = Vec::new();
    fs::File::open(file).map_err(fault)?.take(LIMIT + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() as u64 > LIMIT {
        return Err(Fault::Large);
    }
    String::from_utf8(bytes).map_err(|_| Fault::Unreadable("it isn't UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Seed;

    fn world(name: &str) -> (World, PathBuf) {
        let folder = std::env::temp_dir().join(format!("goldsmith-s3-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("objects/bucket/deep")).unwrap();
        let mut world = World::new(Seed(1), chrono::DateTime::UNIX_EPOCH);
        world.s3 = Store::of(folder.join("objects"));
        (world, folder)
    }

    #[test]
    fn an_object_is_the_file_of_its_bucket_and_key() {
        let (world, folder) = world("read");
        fs::write(folder.join("objects/bucket/deep/a.yaml"), "text").unwrap();
        assert_eq!(text(&world, "uri", "s3://bucket/deep/a.yaml").unwrap().as_deref(), Some("text"));
        fs::write(folder.join("objects/bucket/deep/a.yaml"), "new").unwrap();
        assert_eq!(text(&world, "uri", "s3://bucket/deep/a.yaml").unwrap().as_deref(), Some("new"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn nothing_outside_of_the_folder_is_an_object() {
        let (world, folder) = world("outside");
        fs::write(folder.join("secret"), "secret").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.join("secret"), folder.join("objects/bucket/link")).unwrap();
        let absolute = format!("s3://bucket/{}", folder.join("secret").display());
        for uri in [
            "s3://../secret",
            "s3://bucket/../../secret",
            "s3://bucket/./../../secret",
            "s3://bucket/link",
            "s3://bucket/..\\..\\secret",
            &absolute,
            "s3://bucket",
            "s3://bucket/",
            "s3:///secret",
            "https://bucket.s3.amazonaws.com/secret",
            "secret",
            "s3://bucket/deep",
            "s3://bucket/missing",
        ] {
            let error = text(&world, "uri", uri).unwrap_err();
            assert_eq!(error.code, "InvalidParameterValueException", "{uri}");
            assert!(error.message.contains("'uri'"), "{}", error.message);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_object_has_at_most_64_kilobytes_of_text() {
        let (world, folder) = world("size");
        for (bytes, expected) in [
            (vec![b'a'; 65_536], None),
            (vec![b'a'; 65_537], Some("is larger than 64 KB")),
            (vec![0xff], Some("isn't UTF-8")),
        ] {
            fs::write(folder.join("objects/bucket/a"), bytes).unwrap();
            let refusal = text(&world, "uri", "s3://bucket/a").err().map(|error| error.message);
            assert_eq!(refusal.is_some(), expected.is_some());
            assert!(refusal.unwrap_or_default().contains(expected.unwrap_or_default()));
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_folder_nothing_is_known_of_any_object() {
        let world = World::new(Seed(1), chrono::DateTime::UNIX_EPOCH);
        assert_eq!(text(&world, "uri", "s3://bucket/key").unwrap(), None);
        assert!(text(&world, "uri", "bucket/key").is_err());
    }
}
