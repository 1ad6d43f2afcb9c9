//! Cold start of every function: from the start of the process to its first request for `/next`, and its memory then.
//!
//! Printed beside a baseline of the same run: a process that does nothing but ask for `/next`.
//! `cargo bench -p end-to-end` (release profile) builds the functions as well.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 20;
/// In the environment of this program's own child: ask for `/next` and wait.
const BARE: &str = "COLD_START_BARE";

/// The functions, each with the settings that have no default.
const FUNCTIONS: [(&str, &[(&str, &str)]); 4] = [
    ("start-pipelines", &[]),
    ("fan-out-amis", &[("PUBLISHED_IMAGES_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:PublishedImages")]),
    (
        "deprecate-images",
        &[
            ("REPORTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:BuildReports"),
            ("EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:role/lifecycle"),
        ],
    ),
    ("report-builds", &[("BUILD_REPORTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:BuildReports")]),
];

fn main() {
    if std::env::var_os(BARE).is_some() {
        return bare();
    }
    let this = std::env::current_exe().expect("this program's own path");
    let folder = build(&this);
    let (time, memory) = measure("bare", || {
        let mut command = Command::new(&this);
        command.env(BARE, "1");
        command
    });
    println!("cold start, medians of {RUNS} runs; the ratio is to a process that does nothing");
    println!("{:<18} {:>8.1} ms  {}", "bare process", millis(time), resident(memory));
    for (function, settings) in FUNCTIONS {
        let (own, memory) = measure(function, || {
            let mut command = Command::new(folder.join(function));
            command.envs(settings.iter().copied());
            command
        });
        let ratio = own.as_secs_f64() / time.as_secs_f64();
        println!("{function:<18} {:>8.1} ms  {}  ratio {ratio:.2}", millis(own), resident(memory));
    }
}

/// Builds the functions with the profile that this program was built with: it stands in `deps` of that profile's folder,
/// which is the answer.
fn build(this: &Path) -> PathBuf {
    let folder = this.parent().and_then(Path::parent).expect("cargo puts benchmarks into deps").to_owned();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--bins"]).args(FUNCTIONS.iter().flat_map(|(function, _)| ["-p", function]));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success(), "the functions can't be built");
    folder
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn resident(kib: Option<u64>) -> String {
    kib.map_or_else(
        || "memory not told by this machine".to_owned(),
        |kib| format!("{:>6.1} MB resident", kib as f64 / 1024.0),
    )
}

fn bare() {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("set by the parent");
    let mut stream = TcpStream::connect(address).expect("the parent listens");
    stream.write_all(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: x\r\n\r\n").expect("the parent reads");
    // Until the parent kills this process.
    let _ = BufReader::new(stream).read_line(&mut String::new());
}

/// Medians of the time to the first request and of the resident memory at that moment, in KiB.
fn measure(name: &str, command: impl Fn() -> Command) -> (Duration, Option<u64>) {
    let mut runs: Vec<(Duration, Option<u64>)> = (0..RUNS).map(|_| start(name, command())).collect();
    runs.sort_by_key(|run| run.0);
    let time = runs[RUNS / 2].0;
    runs.sort_by_key(|run| run.1);
    (time, runs[RUNS / 2].1)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's time")]
fn start(name: &str, mut command: Command) -> (Duration, Option<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    command
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .envs([("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
        .envs([
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn().expect("the binary starts");
    let (stream, _) = listener.accept().expect("the runtime connects");
    let mut request = String::new();
    BufReader::new(stream.try_clone().expect("a second handle")).read_line(&mut request).expect("a request");
    let elapsed = started.elapsed();
    assert!(request.contains("/invocation/next"), "{request}");
    let memory = resident_kib(child.id());
    child.kill().expect("the child is still there");
    child.wait().expect("the child ends");
    (elapsed, memory)
}

fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
