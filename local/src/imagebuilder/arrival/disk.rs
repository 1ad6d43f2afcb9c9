//! ImportDiskImage: an image that is made of an installation disk of Windows.

use super::{Arrival, Origin, begin, given, version};
use crate::imagebuilder::lookup::{find, text};
use crate::imagebuilder::store::Kind;
use crate::model::bad_value;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};

/// ImportDiskImage. Whether the object exists isn't asked: the local AWS has no S3.
pub(in crate::imagebuilder) fn import_disk_image(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    if text(input, "platform") != "Windows" {
        return Err(bad_value("platform", "Expected Windows, the only platform of disk images."));
    }
    let os_version = text(input, "osVersion");
    if !os_version.starts_with("Microsoft Windows") {
        return Err(bad_value("osVersion", "Expected a version of Windows, such as Microsoft Windows 11."));
    }
    let uri = text(input, "uri");
    if !is_disk(uri) {
        return Err(bad_value("uri", "Expected s3://bucket/key of a file that ends with .iso."));
    }
    let infrastructure = text(input, "infrastructureConfigurationArn");
    let infrastructure = find(&world.imagebuilder, context, Kind::InfrastructureConfiguration, infrastructure)?;
    let topic_arn = infrastructure.text("snsTopicArn").map(str::to_owned);
    let mut document = Map::new();
    document.insert("platform".to_owned(), "Windows".into());
    document.insert("osVersion".to_owned(), os_version.into());
    document.insert("buildType".to_owned(), "IMPORT_ISO".into());
    document.insert("imageSource".to_owned(), "IMPORTED".into());
    document.insert("infrastructureConfiguration".to_owned(), infrastructure.document.to_value());
    let arrival = Arrival {
        name: text(input, "name").to_owned(),
        version: version(input)?,
        ahead: &["CREATING", "BUILDING", "AVAILABLE"],
        origin: Origin::Disk {
            uri: uri.to_owned(),
            description: given(input, "description"),
            register_image_options: input.get("registerImageOptions").cloned(),
            windows_configuration: input.get("windowsConfiguration").cloned(),
        },
        document,
        topic_arn,
        detail: format!("ImportDiskImage, {uri}"),
    };
    Ok(json!({"imageBuildVersionArn": begin(world, context, input, arrival)}))
}

/// `s3://bucket/key.iso`
fn is_disk(uri: &str) -> bool {
    let object = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    object.is_some_and(|(bucket, key)| {
        bucket.len() >= 3 && key.to_lowercase().strip_suffix(".iso").is_some_and(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::*;
    use super::*;
    use crate::journal;

    #[test]
    fn the_topic_of_the_infrastructure_hears_of_it() {
        let mut world = world();
        put_web(&mut world);
        let input = json!({
            "name": "windows", "semanticVersion": "1.0.0", "platform": "Windows", "osVersion": "Microsoft Windows 11",
            "uri": "s3://disks/11.iso", "infrastructureConfigurationArn": arn("infrastructure-configuration/builders"),
        });
        import_disk_image(&mut world, &context(), &input).unwrap();
        run(&mut world);
        let told = world.journal.entries().iter().find(|entry| entry.kind == journal::Kind::Notification);
        assert_eq!(told.unwrap().subject, "windows 1.0.0/1");
        let image = world.imagebuilder.get(&arn("image/windows/1.0.0/1")).unwrap();
        let text = super::super::super::notification::text(&world, image, ACCOUNT).unwrap();
        let message: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&message["buildType"], &message["state"]["status"]), (&json!("IMPORT_ISO"), &json!("AVAILABLE")));
        assert_eq!(message["outputResources"]["amis"].as_array().unwrap().len(), 1);
        for absent in ["imageRecipe", "imageTestsConfigurationDocument", "testExecutionId", "distributionJobId"] {
            assert!(message.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn a_disk_is_an_iso_file_in_s3() {
        for (uri, good) in [
            ("s3://disks/windows/11.iso", true),
            ("s3://disks/W11.ISO", true),
            ("s3://disks/.iso", false),
            ("s3://disks/w11.vmdk", false),
            ("s3://w11.iso", false),
            ("https://disks.s3.amazonaws.com/w11.iso", false),
        ] {
            assert_eq!(is_disk(uri), good, "{uri}");
        }
    }
}
