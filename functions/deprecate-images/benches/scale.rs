//! A plan for 1,000, 10,000 and 50,000 images: AWS calls, time at 0 and 50 ms a call, peak memory.
//!
//! Each measurement is a process of its own. What the wire answers is worked out from the question, so that memory is the
//! function's. Families of 50 builds, as they are after a while: half of them are on their way out, some are due, some in
//! use. Every tenth family is based on another one, by wildcard. `cargo bench -p deprecate-images` (release profile).

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use chrono::SecondsFormat;
use deprecate_images::{Function, Settings};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wire::{BUILDS, OWN, Wire, now};

#[path = "scale/wire.rs"]
mod wire;

const SIZES: [usize; 3] = [1_000, 10_000, 50_000];
/// In the environment of this program's own child: how many images, and how long a call takes.
const CHILD: &str = "SCALE_OF";
const AIM_MB: f64 = 128.0;

fn main() {
    if let Ok(scale) = std::env::var(CHILD) {
        let (images, millis) = scale.split_once(' ').expect("two numbers");
        return measure(images.parse().expect("a number"), millis.parse().expect("a number"));
    }
    println!(
        "{:>7}  {:>8}  {:>7}  {:>10}  {:>8}  {:>9}",
        "images", "ms/call", "calls", "calls/img", "seconds", "peak MB"
    );
    let mut worst: f64 = 0.0;
    for millis in [0, 50] {
        for images in SIZES {
            let mut child = Command::new(std::env::current_exe().expect("this program's own path"));
            let output = child.env(CHILD, format!("{images} {millis}")).output().expect("the program starts");
            let line = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
            assert!(output.status.success(), "{line}{}", String::from_utf8_lossy(&output.stderr));
            let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
            let [calls, seconds, peak] = numbers[..] else { unreachable!("{line}") };
            worst = worst.max(peak);
            let each = calls / images as f64;
            println!("{images:>7}  {millis:>8}  {calls:>7}  {each:>10.3}  {seconds:>8.1}  {peak:>9.1}");
        }
    }
    println!("aim {AIM_MB} MB: {}", if worst < AIM_MB { "met" } else { "missed" });
}

#[tokio::main(flavor = "current_thread")]
async fn measure(images: usize, millis: u64) {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(OWN, "s", None, None, "bench")))
        .retry_config(RetryConfig::standard())
        .http_client(Wire::new(images / BUILDS, Duration::from_millis(millis)))
        .build();
    let settings = [
        ("REPORTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:reports"),
        ("EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:role/lifecycle"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let function = Function::new(&config, Settings::from_environment(settings).expect("good settings"));
    let mut context = Context::default();
    context.invoked_function_arn = format!("arn:aws:lambda:us-east-1:{OWN}:function:deprecate-images");
    let end = since_1970() + Duration::from_secs(3600);
    context.deadline = u64::try_from(end.as_millis()).expect("before the year 500,000,000");
    let event = json!({"time": now().to_rfc3339_opts(SecondsFormat::Secs, true), "dryRun": true});
    let started = instant();
    let answer = function.handle(LambdaEvent::new(event, context)).await.expect("everything is there");
    let seconds = instant().duration_since(started).as_secs_f64();
    let counts = &answer.plan.counts;
    assert_eq!(counts.images, images, "{}", answer.summary);
    for action in ["keep", "deprecate", "disable", "delete"] {
        assert!(counts.actions.get(action).is_some_and(|count| *count > 0), "{action}: {}", answer.summary);
    }
    assert!(answer.plan.unreached.is_empty() && answer.plan.skipped.is_empty(), "{}", answer.summary);
    println!("{} {seconds} {}", answer.calls, peak_mb());
}

/// The most memory that this process ever had.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    kib / 1024.0
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's time")]
fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a deadline is in the machine's time")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}
