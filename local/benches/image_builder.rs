//! The local Image Builder under load, over loopback: start-up, requests per second, p99 and memory with many
//! images in the store.
//!
//! `cargo bench -p goldsmith-local`. The images are built, not made up: IMAGES (50,000 unless set) builds of 500
//! versions, in fast time, with their AMIs in the local EC2. The page of a listing is measured at a tenth of the images
//! too, in the same run, for it shouldn't matter how many there are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STARTS: usize = 20;
const CONNECTIONS: usize = 8;
const REQUESTS: usize = 40_000;
const NAMES: usize = 50;
const VERSIONS: usize = 10;

fn main() {
    let images: usize = std::env::var("IMAGES").map_or(50_000, |text| text.parse().expect("IMAGES is a number"));
    let mut starts: Vec<Duration> = (0..STARTS).map(|_| Server::start().took).collect();
    starts.sort();
    println!("start-up, median of {STARTS}: {:.1} ms", millis(starts[STARTS / 2]));

    let server = Server::start();
    println!("memory, empty: {:.0} MB", server.memory());
    prepare(&server);
    let few = images / 10;
    build(&server, 0, few);
    let pages_before = measure(&server, "ListImageBuildVersions, 25 of all, a tenth of the images", |_| listing("{}"));
    build(&server, few, images);
    println!("memory, {images} images: {:.0} MB", server.memory());
    measure(&server, "GetImage", |number| get(number, images));
    measure(&server, "ListImageBuildVersions of a version", |number| {
        let (name, version) = place(number);
        listing(&format!(r#"{{"imageVersionArn":"{}"}}"#, arn(&format!("image/web-{name:02}/1.0.{version}"))))
    });
    let pages = measure(&server, "ListImageBuildVersions, 25 of all", |_| listing("{}"));
    println!("a page of all images, at {images} / at {few}: {:.2}", pages.as_secs_f64() / pages_before.as_secs_f64());
    measure(&server, "ListImages, 25 of all", |_| request("POST", "/ListImages", "{}"));
    println!("memory, at the end: {:.0} MB", server.memory());
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Which name and version the n-th build is of.
fn place(number: usize) -> (usize, usize) {
    (number % NAMES, number / NAMES % VERSIONS)
}

fn arn(rest: &str) -> String {
    format!("arn:aws:imagebuilder:us-east-1:123456789012:{rest}")
}

fn request(method: &str, path: &str, body: &str) -> String {
    let scope = "AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/imagebuilder/aws4_request";
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: AWS4-HMAC-SHA256 Credential={scope}, \
         SignedHeaders=host, Signature=0\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn get(number: usize, images: usize) -> String {
    let (name, version) = place(number);
    let build = number.wrapping_mul(7919) % (images / NAMES / VERSIONS) + 1;
    let image = arn(&format!("image/web-{name:02}/1.0.{version}/{build}")).replace(':', "%3A").replace('/', "%2F");
    request("GET", &format!("/GetImage?imageBuildVersionArn={image}"), "")
}

fn listing(body: &str) -> String {
    request("POST", "/ListImageBuildVersions", body)
}

/// The recipes and configurations of the builds.
fn prepare(server: &Server) {
    let mut client = server.connect();
    let mut put = |operation: &str, body: String| client.ask(&request("PUT", &format!("/{operation}"), &body));
    put(
        "CreateInfrastructureConfiguration",
        r#"{"name":"builders","instanceProfileName":"EC2InstanceProfileForImageBuilder","clientToken":"i"}"#.to_owned(),
    );
    put(
        "CreateDistributionConfiguration",
        r#"{"name":"home","clientToken":"d","distributions":[{"region":"us-east-1","amiDistributionConfiguration":
            {"name":"web {{ imagebuilder:buildDate }}","amiTags":{"Role":"web"}}}]}"#
            .to_owned(),
    );
    for name in 0..NAMES {
        for version in 0..VERSIONS {
            put(
                "CreateImageRecipe",
                format!(
                    r#"{{"name":"web-{name:02}","semanticVersion":"1.0.{version}","clientToken":"r{name}-{version}",
                    "parentImage":"arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x",
                    "components":[{{"componentArn":"arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x"}}]}}"#
                ),
            );
        }
    }
}

/// Builds images, and waits until all are AVAILABLE.
fn build(server: &Server, from: usize, to: usize) {
    let (infrastructure, distribution) =
        (arn("infrastructure-configuration/builders"), arn("distribution-configuration/home"));
    let create = |number: usize| {
        let (name, version) = place(number);
        let recipe = arn(&format!("image-recipe/web-{name:02}/1.0.{version}"));
        let body = format!(
            r#"{{"imageRecipeArn":"{recipe}","infrastructureConfigurationArn":"{infrastructure}",
            "distributionConfigurationArn":"{distribution}","clientToken":"b{number}"}}"#
        );
        request("PUT", "/CreateImage", &body)
    };
    let mut client = server.connect();
    for number in from..to {
        client.ask(&create(number));
    }
    let (name, version) = place(to - 1);
    let last = to.div_ceil(NAMES * VERSIONS);
    let last = arn(&format!("image/web-{name:02}/1.0.{version}/{last}")).replace(':', "%3A").replace('/', "%2F");
    let ask = request("GET", &format!("/GetImage?imageBuildVersionArn={last}"), "");
    while !client.ask(&ask).contains(r#""status":"AVAILABLE""#) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Prints how many requests per second the server answers over several connections and how long the slowest
/// hundredth takes at least; returns the mean time of one over one connection.
fn measure(server: &Server, what: &str, make: impl Fn(usize) -> String + Sync) -> Duration {
    let each = REQUESTS / CONNECTIONS;
    let (took, all) = timed(|| {
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..CONNECTIONS)
                .map(|connection| {
                    let make = &make;
                    scope.spawn(move || {
                        let mut client = server.connect();
                        let run = (0..each).map(|n| timed(|| client.ask(&make(connection * each + n))).0);
                        run.collect::<Vec<_>>()
                    })
                })
                .collect();
            runs.into_iter().flat_map(|run| run.join().expect("a client fails with its own words")).collect::<Vec<_>>()
        })
    });
    let mut all = all;
    all.sort();
    let mut client = server.connect();
    let alone = 2_000;
    let (one, ()) = timed(|| (0..alone).for_each(|number| drop(client.ask(&make(number)))));
    let one = one / u32::try_from(alone).expect("a small number");
    println!(
        "{what}: {:.0} requests/s over {CONNECTIONS} connections, p99 {:.2} ms; {:.3} ms each over one",
        all.len() as f64 / took.as_secs_f64(),
        millis(all[all.len() * 99 / 100]),
        millis(one),
    );
    one
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's time")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed(), done)
}

/// `goldsmith-local serve`, empty, in time that passes a hundred thousand times as fast.
struct Server {
    child: Child,
    address: String,
    took: Duration,
}

impl Server {
    fn start() -> Self {
        let (took, (child, address)) = timed(|| {
            let mut child = Command::new(env!("CARGO_BIN_EXE_goldsmith-local"))
                .args(["serve", "--empty", "--port", "0", "--speed", "100000"])
                .stdout(Stdio::piped())
                .spawn()
                .expect("the command starts");
            let mut output = BufReader::new(child.stdout.take().expect("it was piped"));
            let mut line = String::new();
            let address = loop {
                line.clear();
                output.read_line(&mut line).expect("the command prints");
                if let Some(address) = line.trim().strip_prefix("listening on http://") {
                    break address.to_owned();
                }
            };
            // Nobody reads the timeline.
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            let mut client = Client::connect(&address);
            client.ask(&request("POST", "/ListImages", "{}"));
            (child, address)
        });
        Self { child, address, took }
    }

    fn connect(&self) -> Client {
        Client::connect(&self.address)
    }

    /// Resident memory in MB, as Linux tells it.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kib.map_or(f64::NAN, |kib| kib / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a TCP option");
        Self(BufReader::new(stream))
    }

    /// Sends a request and returns the answer's body, which has to be one of success.
    fn ask(&mut self, request: &str) -> String {
        self.0.get_mut().write_all(request.as_bytes()).expect("the server reads");
        let (mut length, mut line, mut status) = (0, String::new(), String::new());
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("the server answers");
            let text = line.trim().to_ascii_lowercase();
            if status.is_empty() {
                status = text;
            } else if text.is_empty() {
                break;
            } else if let Some(value) = text.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the server answers");
        let body = String::from_utf8(body).expect("JSON");
        assert!(status.contains(" 200 "), "{status}: {body}");
        body
    }
}
