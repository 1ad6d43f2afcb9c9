//! The host: which processes a function has, which of them takes an invocation, and what comes of it.

use super::process::{Process, environment};
use super::slot::{Outcome, Work};
use super::{Ending, Function, Invocation, THROTTLED, log, runtime_api};
use crate::wire::Response;
use crate::world::World;
use crate::{latency, sts};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Runs the real binaries of functions. A process serves one invocation at a time and is used again when
/// idle; a function that is invoked side by side has several.
pub struct Host {
    endpoint: SocketAddr,
    // Never held while waiting, and never together with the world.
    pool: Mutex<Pool>,
}

#[derive(Default)]
struct Pool {
    executables: BTreeMap<PathBuf, PathBuf>,
    /// By the ID in the process's Runtime API address.
    processes: BTreeMap<String, Arc<Process>>,
    /// IDs by function ARN; the last used last.
    idle: BTreeMap<String, Vec<String>>,
    /// How many invocations of a function run.
    busy: BTreeMap<String, u32>,
    /// How many processes of a function were started.
    started: BTreeMap<String, u64>,
    closing: bool,
}

/// Why an invocation finds no process.
#[derive(Debug, thiserror::Error)]
enum Unavailable {
    #[error("Rate Exceeded.")]
    Throttled,
    #[error("no executable was built for {0}: expected a Cargo package, or a folder with a file `bootstrap`")]
    NoExecutable(String),
    #[error("{0} can't be run: {1}")]
    NotRunnable(String, #[source] std::io::Error),
    #[error("the local AWS is shutting down")]
    Closing,
}

impl Unavailable {
    fn ending(&self, request_id: &str) -> Ending {
        let text = || format!("RequestId: {request_id} Error: {self}");
        match self {
            Self::Throttled => Ending::refused(THROTTLED, THROTTLED, &self.to_string()),
            Self::NoExecutable(_) | Self::NotRunnable(..) => {
                Ending::refused("Unhandled", "Runtime.InvalidEntrypoint", &text())
            }
            Self::Closing => Ending::refused("Unhandled", "Runtime.ExitError", &text()),
        }
    }
}

impl Host {
    /// A host without processes. `endpoint` is the one HTTP port, to which `/_runtime/{process}/…` must arrive.
    pub fn new(endpoint: SocketAddr) -> Arc<Self> {
        Arc::new(Self { endpoint, pool: Mutex::default() })
    }

    /// Names the executable of a function's code, as [`super::package::executables`] found it.
    pub fn set_executable(&self, code: PathBuf, executable: PathBuf) {
        self.pool().executables.insert(code, executable);
    }

    /// Runs an invocation on an idle process of its function, or on a new one, until it answers, fails,
    /// ends or runs out of time. If this is dropped midway, the process is ended.
    pub async fn invoke(&self, world: &Mutex<World>, invocation: &Invocation) -> Ending {
        let request_id = &invocation.request_id;
        let function = locked(world).lambda.functions.get(&invocation.function_arn).cloned();
        let Some(function) = function else {
            let message = format!("Function not found: {}", invocation.function_arn);
            return Ending::refused("Unhandled", "ResourceNotFoundException", &message);
        };
        let mut lease = match self.lease(world, &function) {
            Ok(lease) => lease,
            Err(unavailable) => return unavailable.ending(request_id),
        };
        let process = lease.process.clone();
        let trace_id = {
            let mut world = locked(world);
            sts::attach(&mut world, &process.access_key_id, Some(request_id));
            latency::begin(&mut world, request_id);
            trace_id(&world, request_id)
        };
        let work = Work {
            request_id: request_id.clone(),
            function_arn: function.arn.clone(),
            payload: invocation.payload.clone().into(),
            trace_id,
            timeout: Duration::from_secs(function.timeout.into()),
        };
        let done = process.slot.run(work).await;
        let peak = process.peak_memory_mb();
        lease.keep = matches!(done.outcome, Outcome::Answered(_) | Outcome::Failed(_) | Outcome::TooLarge);
        if !lease.keep {
            process.end().await;
        }
        process.settle_log().await;
        sts::attach(&mut locked(world), &process.access_key_id, None);
        log::ending(&function, request_id, done, process.slot.take_log(), peak)
    }

    /// Answers a process's request to its Runtime API. `path` is what follows `/_runtime/{process}`.
    /// Waits, however long, when the process asks for work.
    pub async fn runtime_api(
        &self,
        process: &str,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Response {
        let known = self.pool().processes.get(process).cloned();
        match known {
            Some(process) => runtime_api::answer(&process.slot, method, path, headers, body).await,
            None => runtime_api::error(410, "Gone", "The execution environment has ended"),
        }
    }

    /// Ends all processes and starts none any more.
    pub async fn shut_down(&self) {
        self.pool().closing = true;
        self.stop_all().await;
    }

    /// Ends all processes. What is invoked afterwards starts new ones.
    pub async fn stop_all(&self) {
        let processes = {
            let mut pool = self.pool();
            pool.idle.clear();
            std::mem::take(&mut pool.processes)
        };
        processes.values().for_each(|process| process.stop());
        for process in processes.values() {
            process.end().await;
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        locked(&self.pool)
    }

    fn lease(&self, world: &Mutex<World>, function: &Function) -> Result<Lease<'_>, Unavailable> {
        let arn = &function.arn;
        let (id, executable) = {
            let mut pool = self.pool();
            pool.admit(function)?;
            if let Some(process) = pool.take_idle(arn) {
                return Ok(self.leased(&mut pool, arn, process));
            }
            let executable = pool.executables.get(&function.code).cloned();
            let executable =
                executable.ok_or_else(|| Unavailable::NoExecutable(function.code.display().to_string()))?;
            let started = pool.started.entry(arn.clone()).or_default();
            *started += 1;
            (format!("{}-{}-{started}", function.region, function.name), executable)
        };
        let (credentials, log_stream) = {
            let mut world = locked(world);
            let credentials = sts::credentials_for(&mut world, &function.account, &function.role, &function.name);
            (credentials, log_stream(&world, &id))
        };
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (task_root, executable) = (absolute(&function.code), absolute(&executable));
        let environment = environment(function, &id, self.endpoint, &credentials, &task_root, &log_stream);
        // Known before its first request can arrive. Others may have come in while the pool was free.
        let mut pool = self.pool();
        pool.admit(function)?;
        let process = Process::start(id.clone(), &executable, &task_root, environment, credentials.access_key_id)
            .map_err(|error| Unavailable::NotRunnable(executable.display().to_string(), error))?;
        let process = Arc::new(process);
        pool.processes.insert(id, process.clone());
        Ok(self.leased(&mut pool, arn, process))
    }

    fn leased(&self, pool: &mut Pool, arn: &str, process: Arc<Process>) -> Lease<'_> {
        *pool.busy.entry(arn.to_owned()).or_default() += 1;
        Lease { host: self, function_arn: arn.to_owned(), process, keep: false }
    }

    /// Adds an idle process that a test plays.
    #[cfg(test)]
    fn adopt(&self, function_arn: &str, process: Process) {
        let mut pool = self.pool();
        pool.idle.entry(function_arn.to_owned()).or_default().push(process.id.clone());
        pool.processes.insert(process.id.clone(), Arc::new(process));
    }
}

impl Pool {
    /// Whether one more invocation of a function may run.
    fn admit(&self, function: &Function) -> Result<(), Unavailable> {
        if self.closing {
            return Err(Unavailable::Closing);
        }
        let busy = self.busy.get(&function.arn).copied().unwrap_or_default();
        if function.reserved_concurrency.is_some_and(|limit| busy >= limit) {
            return Err(Unavailable::Throttled);
        }
        Ok(())
    }

    /// The idle process that was used last; those that have died meanwhile are forgotten.
    fn take_idle(&mut self, arn: &str) -> Option<Arc<Process>> {
        let idle = self.idle.get_mut(arn)?;
        while let Some(id) = idle.pop() {
            match self.processes.get(&id) {
                Some(process) if !process.slot.exited() => return Some(process.clone()),
                _ => self.processes.remove(&id),
            };
        }
        None
    }
}

/// A process while it serves an invocation.
struct Lease<'a> {
    host: &'a Host,
    function_arn: String,
    process: Arc<Process>,
    keep: bool,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut pool = self.host.pool();
        if let Some(busy) = pool.busy.get_mut(&self.function_arn) {
            *busy -= 1;
        }
        if self.keep && !pool.closing {
            pool.idle.entry(self.function_arn.clone()).or_default().push(self.process.id.clone());
        } else {
            pool.processes.remove(&self.process.id);
            self.process.stop();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn trace_id(world: &World, request_id: &str) -> String {
    let hex = |name: &str, len| world.seed.hex(&["trace", name, request_id], len);
    format!("Root=1-{:08x}-{};Parent={};Sampled=0", world.now.timestamp(), hex("root", 24), hex("parent", 16))
}

fn log_stream(world: &World, process: &str) -> String {
    format!("{}/[$LATEST]{}", world.now.format("%Y/%m/%d"), world.seed.hex(&["log stream", process], 32))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{arn, function, invocation, world_with};
    use super::*;

    const NEXT: &str = "/2018-06-01/runtime/invocation/next";

    fn host() -> Arc<Host> {
        Host::new(SocketAddr::from(([127, 0, 0, 1], 1)))
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str()).unwrap()
    }

    async fn get_next(host: &Host, process: &str) -> Response {
        host.runtime_api(process, "GET", NEXT, &[], Bytes::new()).await
    }

    async fn post(host: &Host, process: &str, request_id: &str, what: &str, body: &'static str) -> u16 {
        let path = format!("/2018-06-01/runtime/invocation/{request_id}/{what}");
        host.runtime_api(process, "POST", &path, &[], Bytes::from_static(body.as_bytes())).await.status
    }

    #[tokio::test]
    async fn a_process_takes_the_event_with_its_headers_and_is_used_again() {
        let (host, world) = (host(), Mutex::new(world_with(&[function("f")])));
        host.adopt(&arn("f"), Process::played("p"));
        for (round, what, failed) in [(1, "response", false), (2, "error", true), (3, "response", false)] {
            let mut invocation = invocation("f");
            invocation.request_id = format!("r-{round}");
            let client = async {
                let next = get_next(&host, "p").await;
                assert_eq!((next.status, next.body.as_ref()), (200, invocation.payload.as_bytes()));
                assert_eq!(header(&next, "lambda-runtime-aws-request-id"), invocation.request_id);
                assert_eq!(header(&next, "lambda-runtime-invoked-function-arn"), arn("f"));
                assert!(header(&next, "lambda-runtime-deadline-ms").parse::<u64>().unwrap() > 0);
                assert!(header(&next, "lambda-runtime-trace-id").starts_with("Root=1-00000000-"));
                host.pool().processes["p"].slot.print("hello");
                assert_eq!(post(&host, "p", "other", what, "{}").await, 400);
                assert_eq!(post(&host, "p", &invocation.request_id, what, r#"{"errorType":"E"}"#).await, 202);
            };
            let (ending, ()) = tokio::join!(host.invoke(&world, &invocation), client);
            assert_eq!(ending.function_error.is_some(), failed);
            assert_eq!(ending.payload, r#"{"errorType":"E"}"#);
            let lines: Vec<_> = ending.log.lines().map(|line| line.split(':').next().unwrap()).collect();
            assert_eq!(lines, ["START RequestId", "hello", "END RequestId", "REPORT RequestId"]);
            assert_eq!(ending.init_millis.is_some(), round == 1);
        }
    }

    #[tokio::test]
    async fn side_by_side_each_invocation_has_its_own_process_and_the_next_is_throttled() {
        let mut limited = function("f");
        limited.reserved_concurrency = Some(2);
        let (host, world) = (host(), Mutex::new(world_with(&[limited])));
        host.adopt(&arn("f"), Process::played("p"));
        host.adopt(&arn("f"), Process::played("q"));
        let numbered = |n: u32| Invocation { request_id: format!("r-{n}"), ..invocation("f") };
        let (one, two, three) = (numbered(1), numbered(2), numbered(3));
        let clients = async {
            let (p, q) = tokio::join!(get_next(&host, "p"), get_next(&host, "q"));
            let (p, q) = (header(&p, "lambda-runtime-aws-request-id"), header(&q, "lambda-runtime-aws-request-id"));
            let throttled = host.invoke(&world, &three).await;
            assert_eq!(throttled.function_error.as_deref(), Some(THROTTLED));
            assert_eq!(post(&host, "p", p, "response", "1").await, 202);
            assert_eq!(post(&host, "q", q, "response", "2").await, 202);
        };
        let (first, second, ()) = tokio::join!(host.invoke(&world, &one), host.invoke(&world, &two), clients);
        assert_ne!(first.payload, second.payload);
        assert_eq!(host.pool().busy[&arn("f")], 0);
        assert_eq!(host.pool().idle[&arn("f")].len(), 2);
    }

    #[tokio::test]
    async fn an_invocation_that_nobody_waits_for_any_more_ends_its_process() {
        let (host, world) = (host(), Mutex::new(world_with(&[function("f")])));
        host.adopt(&arn("f"), Process::played("p"));
        let invocation = invocation("f");
        tokio::select! {
            biased;
            _ = host.invoke(&world, &invocation) => panic!("nobody answers"),
            next = get_next(&host, "p") => assert_eq!(next.status, 200),
        }
        assert_eq!(get_next(&host, "p").await.status, 410);
        assert_eq!(host.pool().busy[&arn("f")], 0);
    }

    #[tokio::test]
    async fn what_is_missing_is_said() {
        let (host, world) = (host(), Mutex::new(world_with(&[function("f")])));
        let ending = host.invoke(&world, &invocation("f")).await;
        assert!(ending.payload.contains("Runtime.InvalidEntrypoint"), "{}", ending.payload);
        assert!(ending.payload.contains("no executable was built for functions/f"), "{}", ending.payload);
        let ending = host.invoke(&world, &invocation("g")).await;
        assert!(ending.payload.contains("Function not found: arn:aws:lambda:"), "{}", ending.payload);
        host.shut_down().await;
        let ending = host.invoke(&world, &invocation("f")).await;
        assert!(ending.payload.contains("shutting down"), "{}", ending.payload);
    }

    /// A function whose executable is a shell script.
    #[cfg(unix)]
    fn scripted(folder: &Path, timeout: u32, script: &str) -> (Arc<Host>, Mutex<World>) {
        let executable = folder.join("bootstrap");
        // Another process writes it: were it open for writing here while another test forks, it couldn't be run.
        let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod +x \"$1\"";
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", write, "sh"]).arg(&executable).arg(script);
        assert!(shell.status().unwrap().success());
        let mut function = function("f");
        function.code = folder.to_owned();
        function.timeout = timeout;
        let host = host();
        host.set_executable(folder.to_owned(), executable);
        (host, Mutex::new(world_with(&[function])))
    }

    #[cfg(unix)]
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("goldsmith-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_process_that_exits_is_an_exit_error_with_its_last_words() {
        let folder = folder("exit");
        let (host, world) = scripted(&folder, 3, "echo $AWS_LAMBDA_FUNCTION_NAME; echo why >&2; exit 3");
        let ending = host.invoke(&world, &invocation("f")).await;
        std::fs::remove_dir_all(&folder).unwrap();
        let document: serde_json::Value = serde_json::from_str(&ending.payload).unwrap();
        assert_eq!(document["errorType"], "Runtime.ExitError");
        let message = document["errorMessage"].as_str().unwrap();
        assert!(message.ends_with("Error: Runtime exited with error: exit status 3"), "{message}");
        assert!(ending.log.lines().any(|line| line == "f") && ending.log.lines().any(|line| line == "why"));
        assert!(host.pool().processes.is_empty());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn shutting_down_ends_a_process_that_would_run_on() {
        let folder = folder("run-on");
        let (host, world) = scripted(&folder, 600, "exec sleep 600");
        let invocation = invocation("f");
        let closing = async {
            while host.pool().processes.is_empty() {
                tokio::task::yield_now().await;
            }
            host.shut_down().await;
        };
        let (ending, ()) = tokio::join!(host.invoke(&world, &invocation), closing);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(ending.payload.contains("signal: 9"), "{}", ending.payload);
    }
}
