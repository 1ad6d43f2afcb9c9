//! One process of a function: its environment, its output, its end.

use super::slot::Slot;
use super::{Function, slot};
use crate::sts::Credentials;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// What a process gets from the environment of the local AWS; `SystemRoot` is what sockets need on Windows.
const INHERITED: [&str; 2] = ["PATH", "SystemRoot"];

/// A file that isn't there, so that nobody's own AWS configuration is read.
const NO_FILE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// How long the output of an ended process is waited for: something that it started may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A running process with its environment's state. Ends when it is dropped.
pub(super) struct Process {
    pub(super) id: String,
    pub(super) access_key_id: String,
    pub(super) slot: Arc<Slot>,
    pid: Option<u32>,
    flush: mpsc::Sender<oneshot::Sender<()>>,
    stop: mpsc::Sender<()>,
}

impl Process {
    /// Starts a process in the folder of its code.
    ///
    /// # Errors
    /// When the system can't run the executable.
    pub(super) fn start(
        id: String,
        executable: &Path,
        task_root: &Path,
        environment: BTreeMap<String, String>,
        access_key_id: String,
    ) -> io::Result<Self> {
        let mut command = Command::new(executable);
        command.env_clear().envs(environment).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if task_root.is_dir() {
            command.current_dir(task_root);
        }
        // A terminal's Ctrl-C is for the local AWS, which then ends its processes itself.
        #[cfg(unix)]
        command.process_group(0);
        let slot = Arc::new(Slot::new());
        let mut child = command.spawn()?;
        let (flush, flushes) = mpsc::channel(1);
        let (stop, stops) = mpsc::channel(1);
        let pid = child.id();
        tokio::spawn(read(child.stdout.take(), child.stderr.take(), slot.clone(), flushes));
        tokio::spawn(supervise(child, slot.clone(), stops));
        Ok(Self { id, access_key_id, slot, pid, flush, stop })
    }

    /// A process that a test plays.
    #[cfg(test)]
    pub(super) fn played(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            access_key_id: format!("ASIA-{id}"),
            slot: Arc::new(Slot::new()),
            pid: None,
            flush: mpsc::channel(1).0,
            stop: mpsc::channel(1).0,
        }
    }

    /// Waits until what was printed for the invocation that just ended has arrived in the slot's log.
    pub(super) async fn settle_log(&self) {
        self.slot.quiet().await;
        if self.slot.exited() {
            let _ = timeout(LAST_WORDS, self.flush.closed()).await;
            return;
        }
        let (done, flushed) = oneshot::channel();
        if self.flush.send(done).await.is_ok() {
            let _ = timeout(slot::LOG_LINGERS, flushed).await;
        }
    }

    /// Asks the process to be ended. At once: Lambda, too, warns only environments that have extensions.
    pub(super) fn stop(&self) {
        // Full means that it was asked already, closed that it has ended.
        let _ = self.stop.try_send(());
    }

    /// Ends the process and waits until it is gone.
    pub(super) async fn end(&self) {
        self.stop();
        if !self.stop.is_closed() {
            self.slot.gone().await;
        }
    }

    /// Peak resident memory in MB, where the system tells.
    pub(super) fn peak_memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid?)).ok()?;
        peak_memory_mb(&status)
    }
}

fn peak_memory_mb(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes.div_ceil(1024))
}

/// The environment of a process: Lambda's variables, the template's, and nothing of the user's own.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
pub(super) fn environment(
    function: &Function,
    id: &str,
    endpoint: SocketAddr,
    credentials: &Credentials,
    task_root: &Path,
    log_stream: &str,
) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        environment.insert(name.to_owned(), value.to_owned());
    };
    for name in INHERITED {
        if let Ok(value) = std::env::var(name) {
            set(name, &value);
        }
    }
    set("LANG", "en_US.UTF-8");
    set("TZ", ":UTC");
    set("AWS_CONFIG_FILE", NO_FILE);
    set("AWS_SHARED_CREDENTIALS_FILE", NO_FILE);
    set("AWS_EC2_METADATA_DISABLED", "true");
    for (name, value) in &function.environment {
        set(name, value);
    }
    // What follows is reserved: a template can't set it.
    set("_HANDLER", "bootstrap");
    // With its scheme: lambda_runtime reads an address with a path only as a whole URL.
    set("AWS_LAMBDA_RUNTIME_API", &format!("http://{endpoint}/_runtime/{id}"));
    set("AWS_ENDPOINT_URL", &format!("http://{endpoint}"));
    set("AWS_REGION", &function.region);
    set("AWS_DEFAULT_REGION", &function.region);
    set("AWS_ACCESS_KEY_ID", &credentials.access_key_id);
    set("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
    set("AWS_SESSION_TOKEN", &credentials.session_token);
    set("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023");
    set("AWS_LAMBDA_FUNCTION_NAME", &function.name);
    set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory.to_string());
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    set("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", function.name));
    set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
    set("AWS_LAMBDA_LOG_FORMAT", &function.log_format);
    if let Some(level) = &function.log_level {
        set("AWS_LAMBDA_LOG_LEVEL", level);
    }
    set("LAMBDA_TASK_ROOT", &task_root.to_string_lossy());
    environment
}

async fn supervise(mut child: Child, slot: Arc<Slot>, mut stops: mpsc::Receiver<()>) {
    let status = tokio::select! {
        status = child.wait() => status,
        // Also when the process's owner is gone.
        _ = stops.recv() => {
            // Fails only when the child has ended by itself.
            let _ = child.start_kill();
            child.wait().await
        }
    };
    slot.exit(status.map_or_else(|error| format!("Runtime can't be waited for: {error}"), words));
}

/// Lambda's words for the end of a process that should have gone on.
fn words(status: ExitStatus) -> String {
    match status.code() {
        Some(0) => "Runtime exited without providing a reason".to_owned(),
        Some(code) => format!("Runtime exited with error: exit status {code}"),
        None => format!("Runtime exited with error: {status}"),
    }
}

/// Carries both outputs into the slot's log, line by line, and confirms when nothing more is ready.
async fn read(
    stdout: Option<impl AsyncRead + Unpin>,
    stderr: Option<impl AsyncRead + Unpin>,
    slot: Arc<Slot>,
    mut flushes: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let (mut stdout, mut stderr) = (Lines::new(stdout), Lines::new(stderr));
    let mut owned = true;
    while stdout.open() || stderr.open() {
        tokio::select! {
            // In this order: a flush is confirmed only when neither output has anything ready.
            biased;
            () = stdout.read(), if stdout.open() => stdout.print(&slot),
            () = stderr.read(), if stderr.open() => stderr.print(&slot),
            asked = flushes.recv(), if owned => match asked {
                Some(done) => {
                    stdout.print_rest(&slot);
                    stderr.print_rest(&slot);
                    // Nobody waits any more: the log was closed meanwhile.
                    let _ = done.send(());
                }
                None => owned = false,
            },
        }
    }
}

struct Lines<R> {
    reader: Option<R>,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(reader: Option<R>) -> Self {
        Self { reader, buffer: Vec::new() }
    }

    fn open(&self) -> bool {
        self.reader.is_some()
    }

    /// Reads what is there. Nothing is lost when it is dropped before it is done.
    async fn read(&mut self) {
        if let Some(reader) = &mut self.reader
            && !matches!(reader.read_buf(&mut self.buffer).await, Ok(1..))
        {
            self.reader = None;
        }
    }

    fn print(&mut self, slot: &Slot) {
        if let Some(end) = self.buffer.iter().rposition(|byte| *byte == b'\n') {
            let rest = self.buffer.split_off(end + 1);
            let lines = std::mem::replace(&mut self.buffer, rest);
            slot.print(String::from_utf8_lossy(&lines[..end]).as_ref());
        }
        if !self.open() {
            self.print_rest(slot);
        }
    }

    fn print_rest(&mut self, slot: &Slot) {
        if !self.buffer.is_empty() {
            slot.print(String::from_utf8_lossy(&self.buffer).as_ref());
            self.buffer.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::function;
    use super::*;

    #[test]
    fn the_environment_is_lambdas_and_the_templates_and_nobody_elses() {
        let mut function = function("f");
        function.environment = BTreeMap::from([
            ("PREFIX".to_owned(), "/golden-images".to_owned()),
            ("AWS_REGION".to_owned(), "mars".to_owned()),
        ]);
        let credentials = Credentials {
            access_key_id: "ASIA".to_owned(),
            secret_access_key: "s".to_owned(),
            session_token: "t".to_owned(),
        };
        let endpoint = SocketAddr::from(([127, 0, 0, 1], 4566));
        let got = environment(&function, "f-1", endpoint, &credentials, Path::new("/code"), "stream");
        for (name, value) in [
            ("AWS_LAMBDA_RUNTIME_API", "http://127.0.0.1:4566/_runtime/f-1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "ASIA"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("PREFIX", "/golden-images"),
        ] {
            assert_eq!(got.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!got.contains_key("HOME") && !got.contains_key("AWS_PROFILE") && !got.contains_key("CARGO"));
    }

    #[test]
    fn peak_memory_is_read_as_the_kernel_writes_it() {
        assert_eq!(peak_memory_mb("Name:\tx\nVmHWM:\t   20481 kB\nVmRSS:\t 1 kB\n"), Some(21));
        assert_eq!(peak_memory_mb("Name:\tx\n"), None);
    }

    #[tokio::test]
    async fn output_arrives_line_by_line_and_the_rest_when_asked() {
        let slot = Arc::new(Slot::new());
        let (flush, flushes) = mpsc::channel(1);
        let (mut stdout, ours) = tokio::io::duplex(64);
        let reader = tokio::spawn(read(Some(ours), Some(tokio::io::empty()), slot.clone(), flushes));
        tokio::io::AsyncWriteExt::write_all(&mut stdout, b"one\ntwo\nthr\xff").await.unwrap();
        let (done, flushed) = oneshot::channel();
        flush.send(done).await.unwrap();
        flushed.await.unwrap();
        assert_eq!(slot.take_log(), "one\ntwo\nthr\u{fffd}\n");
        tokio::io::AsyncWriteExt::write_all(&mut stdout, b"ee").await.unwrap();
        drop(stdout);
        reader.await.unwrap();
        assert_eq!(slot.take_log(), "ee\n");
    }
}
