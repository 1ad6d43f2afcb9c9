//! HTTP as it goes over the wire: one connection that is kept, no SDK that helps.

use crate::harness::Bench;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A signature's header; nobody checks the signature.
pub(crate) const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/imagebuilder/aws4_request, \
                                 SignedHeaders=host, Signature=0";

/// A connection to the local AWS.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The error's code, or nothing.
    pub(crate) fn code(&self) -> &str {
        self.header("x-amzn-errortype").unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a body in JSON")
    }

    /// The error's message.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

impl Connection {
    pub(crate) async fn open(bench: &Bench) -> Self {
        let address = bench.local.url().strip_prefix("http://").unwrap().to_owned();
        Self { stream: BufReader::new(TcpStream::connect(address).await.unwrap()) }
    }

    /// A signed request with a JSON body, or none.
    pub(crate) async fn ask(&mut self, method: &str, target: &str, body: &str) -> Answer {
        let head = format!("authorization: {SIGNED}\r\ncontent-type: application/json\r\n");
        self.exchange(method, target, &head, body).await
    }

    /// A request with headers of one's own.
    pub(crate) async fn exchange(&mut self, method: &str, target: &str, head: &str, body: &str) -> Answer {
        let length = body.len();
        let request =
            format!("{method} {target} HTTP/1.1\r\nhost: local\r\ncontent-length: {length}\r\n{head}\r\n{body}");
        self.send(request.as_bytes()).await;
        self.read(method == "HEAD").await
    }

    /// Bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// A status line and its headers.
    pub(crate) async fn read_head(&mut self) -> (u16, Vec<(String, String)>) {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &String| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        (status, lines[1..].iter().map(header).collect())
    }

    /// A whole answer.
    pub(crate) async fn read(&mut self, without_body: bool) -> Answer {
        let (status, headers) = self.read_head().await;
        let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value.as_str());
        let mut body = vec![0; if without_body { 0 } else { length.parse().unwrap() }];
        self.stream.read_exact(&mut body).await.unwrap();
        Answer { status, headers, body: String::from_utf8(body).unwrap() }
    }
}

/// A text as it stands in a path or query string: all but letters and digits encoded, as SDKs do.
pub(crate) fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
