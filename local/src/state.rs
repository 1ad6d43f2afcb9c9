//! The world as JSON: what `GET /_local/state` shows, and the file that keeps it over restarts.

use crate::driver::Local;
use crate::world::World;
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// The version of the form. It goes up when older files can't be read any more.
const FORMAT: u32 = 2;

/// How long changes are gathered before they are written.
const PAUSE: Duration = Duration::from_millis(500);

/// At least so many times as long as the last writing took nothing is written: a large state mustn't keep others
/// from working.
const REST: u32 = 10;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    world: &'a World,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Deserialize)]
struct Kept {
    world: World,
}

/// The whole state as one JSON document: `{"format": 2, "world": {…}}`.
///
/// # Errors
/// When something in it has no form in JSON.
pub(crate) fn text(world: &World) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Document { format: FORMAT, world })
}

/// Reads what [`text`] wrote.
///
/// # Errors
/// What is wrong with it, for a person.
fn read(text: &[u8]) -> anyhow::Result<World> {
    let head: Head = serde_json::from_slice(text).context("it is damaged, or isn't a state of goldsmith-local")?;
    if head.format != FORMAT {
        bail!("its format is {}: this goldsmith-local reads format {FORMAT}", head.format);
    }
    let kept: Kept = serde_json::from_slice(text).context("it is damaged")?;
    Ok(kept.world)
}

/// The world that a file holds; `None` if there is no such file yet.
///
/// # Errors
/// When the file can't be read, is damaged or of another format. It is left as it is.
pub(crate) fn load(file: &Path) -> anyhow::Result<Option<World>> {
    let refused = || format!("{}: expected a state file; it is left as it is", file.display());
    match fs::read(file) {
        Ok(text) => read(&text).map(Some).with_context(refused),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(refused),
    }
}

/// Saves the world whenever it has changed, for ever. What can't be written is said once, and tried again.
pub(crate) async fn keep(local: &Local, file: &Path, mut warn: impl FnMut(&anyhow::Error)) {
    let (mut saved, mut failing, mut pause) = (None, false, PAUSE);
    loop {
        tokio::time::sleep(pause).await;
        let revision = local.world().revision;
        if saved == Some(revision) {
            continue;
        }
        let begun = Instant::now();
        match save(local, file).await {
            Ok(revision) => (saved, failing) = (Some(revision), false),
            Err(error) if !failing => {
                warn(&error);
                failing = true;
            }
            Err(_) => {}
        }
        pause = PAUSE.max(begun.elapsed() * REST);
    }
}

/// Saves the world: the file is either the whole old state or the whole new one, whatever happens meanwhile.
/// Returns the revision that was saved.
///
/// # Errors
/// When the file can't be written.
pub(crate) async fn save(local: &Local, file: &Path) -> anyhow::Result<u64> {
    let (revision, text) = {
        let world = local.world();
        (world.revision, text(&world).context("the state as JSON")?)
    };
    let target = file.to_owned();
    let written = tokio::task::spawn_blocking(move || replace(&target, &text)).await.context("the state's writer")?;
    written.with_context(|| format!("{}: expected a file that can be written", file.display()))?;
    Ok(revision)
}

/// Puts a text in the place of a file: into a file beside it that is whole on the disk before it takes the name.
fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // It holds secure parameters in clear.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&new)?;
    written.write_all(text)?;
    written.sync_all()?;
    fs::rename(&new, file)?;
    // The name itself is on the disk once its folder is; Windows has no such thing.
    #[cfg(unix)]
    fs::File::open(folder(file))?.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::draw::Seed;
    use crate::wire::{Caller, Context, Principal};
    use crate::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Event};
    use crate::{dispatch, lambda};
    use chrono::TimeDelta;
    use serde_json::{Value, json};

    fn call(world: &mut World, service: &str, operation: &str, input: Value) -> Value {
        let caller = Caller { account: DEFAULT_ACCOUNT.to_owned(), principal: Principal::Root, invocation: None };
        let context = Context { caller, region: DEFAULT_REGION.to_owned(), request_id: world.fresh_uuid("request") };
        dispatch::call(world, &context, service, operation, input).unwrap()
    }

    /// A world with something of every service, and much under way.
    fn busy() -> World {
        let mut world = World::new(Seed(7), "2026-03-02T00:00:00.125Z".parse().unwrap());
        let w = &mut world;
        let topic = call(w, "sns", "CreateTopic", json!({"Name": "builds"}))["TopicArn"].clone();
        let policy = r#"{"state": {"status": ["AVAILABLE", {"prefix": "F"}], "n": [{"numeric": [">", 0.1]}]}}"#;
        let filter = json!({"FilterPolicyScope": "MessageBody", "FilterPolicy": policy});
        let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let subscribe = json!({"TopicArn": topic, "Protocol": "lambda", "Endpoint": function, "Attributes": filter});
        call(w, "sns", "Subscribe", subscribe);
        call(w, "sns", "Publish", json!({"TopicArn": topic, "Message": r#"{"state": {"status": "AVAILABLE"}}"#}));
        let put = |name: &str, kind: &str| json!({"Name": name, "Value": "ami-0123456789abcdef0", "Type": kind});
        call(w, "ssm", "PutParameter", put("/mine", "String"));
        call(w, "ssm", "PutParameter", put("/secret", "SecureString"));
        let rule = json!({"Name": "all", "EventPattern": r#"{"source": ["aws.imagebuilder"]}"#});
        call(w, "events", "PutRule", rule);
        call(w, "events", "PutRule", json!({"Name": "daily", "ScheduleExpression": "cron(0 3 ? * MON *)"}));
        let input_paths = json!({"arn": "$.resources[0]"});
        let transformer = json!({"InputPathsMap": input_paths, "InputTemplate": r#"{"image": <arn>}"#});
        let target = json!({"Id": "1", "Arn": function, "InputTransformer": transformer});
        call(w, "events", "PutTargets", json!({"Rule": "all", "Targets": [target]}));
        let infrastructure = json!({"name": "builders", "instanceProfileName": "p", "snsTopicArn": topic});
        let made = call(w, "imagebuilder", "CreateInfrastructureConfiguration", infrastructure);
        let parent = "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x";
        let recipe = json!({"name": "web", "semanticVersion": "1.0.0", "parentImage": parent});
        let recipe = call(w, "imagebuilder", "CreateImageRecipe", recipe)["imageRecipeArn"].clone();
        let infrastructure = made["infrastructureConfigurationArn"].clone();
        let pipeline = json!({
            "name": "web", "imageRecipeArn": recipe, "infrastructureConfigurationArn": infrastructure,
            "schedule": {"scheduleExpression": "rate(1 day)"},
        });
        let pipeline = call(w, "imagebuilder", "CreateImagePipeline", pipeline)["imagePipelineArn"].clone();
        call(w, "imagebuilder", "StartImagePipelineExecution", json!({"imagePipelineArn": pipeline}));
        lambda::accept(w, function, "{}".to_owned(), "sns");
        let limit = world.now + TimeDelta::minutes(8);
        while let Some(step) = world.step(limit) {
            drop(step);
        }
        world
    }

    #[test]
    fn a_world_that_was_saved_goes_on_as_if_nothing_had_happened() {
        let mut world = busy();
        let saved = text(&world).unwrap();
        let mut again = read(&saved).unwrap();
        assert_eq!(text(&again).unwrap(), saved);
        let limit = world.now + TimeDelta::days(8);
        for world in [&mut world, &mut again] {
            while let Some(step) = world.step(limit) {
                drop(step);
            }
        }
        let (one, other): (Value, Value) =
            [&world, &again].map(|world| serde_json::from_slice(&text(world).unwrap()).unwrap()).into();
        assert_eq!(one, other);
        assert!(one["world"]["journal"]["entries"].as_array().unwrap().len() > 20);
    }

    #[test]
    fn what_is_damaged_or_of_another_format_is_refused_and_left_alone() {
        let whole = text(&busy()).unwrap();
        let other = String::from_utf8(whole.clone()).unwrap().replacen("\"format\":2", "\"format\":1", 1);
        let renamed = String::from_utf8(whole.clone()).unwrap().replacen("\"now\"", "\"then\"", 1);
        let folder = std::env::temp_dir().join(format!("goldsmith-state-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("state.json");
        assert!(load(&file).unwrap().is_none());
        for (text, expected) in [
            (&whole[..whole.len() - 1], "damaged"),
            (b"", "damaged"),
            (b"{}", "isn't a state"),
            (b"[2]", "damaged"),
            (other.as_bytes(), "format is 1: this goldsmith-local reads format 2"),
            (renamed.as_bytes(), "damaged"),
        ] {
            fs::write(&file, text).unwrap();
            let error = format!("{:#}", load(&file).err().unwrap());
            assert!(error.contains(expected) && error.contains("state.json"), "{error}");
            assert_eq!(fs::read(&file).unwrap(), text);
        }
        replace(&file, &whole).unwrap();
        assert_eq!(text(&load(&file).unwrap().unwrap()).unwrap(), whole);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no other file is left behind");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn after_a_restart_time_never_goes_back_and_what_was_cut_off_runs_again() {
        let (mut early, mut late) = (busy(), busy());
        let stopped = early.now;
        assert_eq!(early.in_flight.len(), 2, "nobody ran what was handed out");
        early.speed = 600;
        let hour = TimeDelta::hours(1);
        // The world had run ahead of the machine's clock.
        early.resume(stopped - hour);
        assert_eq!(early.on_own_clock(stopped - hour), stopped);
        assert_eq!(early.on_own_clock(stopped - hour + TimeDelta::seconds(1)), stopped + TimeDelta::minutes(10));
        assert_eq!(early.clients_now(), stopped - hour);
        early.now += TimeDelta::minutes(10);
        assert_eq!(early.clients_now(), stopped - hour + TimeDelta::seconds(1));
        // The machine's clock has gone on meanwhile: what came due happens in its order, up to that time.
        late.resume(stopped + hour);
        assert_eq!(late.on_own_clock(stopped + hour), stopped + hour);
        let mut times: Vec<Time> = Vec::new();
        let mut invoked = 0;
        while let Some(step) = late.step(stopped + hour) {
            times.push(late.now);
            invoked += usize::from(matches!(step, crate::world::Step::Invoke(_)));
        }
        assert!(times.is_sorted() && times.len() > 5 && times[0] >= stopped);
        assert!(invoked >= 2);
        assert_eq!(late.now, stopped + hour);
        assert!(late.first_due(|event| matches!(event, Event::Tick(_))).is_some());
    }

    #[test]
    fn a_reset_leaves_the_seed_and_the_time() {
        let mut world = busy();
        world.stacks.deployed.insert("us-east-1/golden".to_owned(), String::new());
        let (now, revision) = (world.now, world.revision);
        assert_eq!(world.reset(), ["us-east-1/golden"]);
        assert_eq!((world.now, world.seed, world.journal.entries().len()), (now, Seed(7), 0));
        assert!(world.revision > revision, "it is saved");
        assert!(world.imagebuilder.all().all(|resource| resource.owner != DEFAULT_ACCOUNT), "the catalogue is there");
        assert!(world.imagebuilder.all().next().is_some());
        assert!(world.in_flight.is_empty() && call(&mut world, "sns", "ListTopics", json!({}))["Topics"] == json!([]));
    }
}
