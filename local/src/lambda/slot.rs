//! One execution environment as the Runtime API sees it: it starts, asks for work, answers, dies. No
//! process is known here, so that tests can play one.

use bytes::Bytes;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// Lambda gives an environment ten seconds to start, then lets it start once more within the first
/// invocation's own time. <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// How long an answered invocation's log stays open for an environment that doesn't ask for more work.
pub(super) const LOG_LINGERS: Duration = Duration::from_millis(50);

/// The largest answer. <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_ANSWER: usize = 6_291_556;

/// One invocation, ready to be handed over.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) request_id: String,
    pub(super) function_arn: String,
    pub(super) payload: Bytes,
    pub(super) trace_id: String,
    pub(super) timeout: Duration,
}

/// How a piece of work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The function's answer.
    Answered(Bytes),
    /// The function's own error document.
    Failed(Bytes),
    /// The error document of an environment that couldn't start.
    InitFailed(Bytes),
    /// The answer is larger than Lambda takes.
    TooLarge,
    /// The process ended, in these words.
    Exited(String),
    /// No answer in time.
    TimedOut,
}

/// A finished piece of work with its measures.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) outcome: Outcome,
    /// From hand-over (or, if it never was handed over, from the request) to the outcome.
    pub(super) took: Duration,
    /// From the start to the first `/next`; for the first piece of work only.
    pub(super) init: Option<Duration>,
}

/// Why a report from an environment isn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It names an invocation that this environment doesn't run.
    NotRunning,
    /// The answer is too large.
    TooLarge,
}

/// The environment. Time in here is the process's own and measured; the world's isn't touched.
pub(super) struct Slot {
    state: watch::Sender<State>,
}

struct State {
    started: Instant,
    init: Option<Duration>,
    ready: bool,
    polling: bool,
    pending: Option<Work>,
    running: Option<(String, Instant)>,
    outcome: Option<(Outcome, Instant)>,
    init_error: Option<Bytes>,
    exit: Option<String>,
    log: String,
}

impl State {
    fn ended(&self) -> bool {
        self.outcome.is_some() || self.exit.is_some() || self.init_error.is_some()
    }

    /// The outcome as far as there is one: an answer counts even if the process died right after it.
    fn outcome(&self) -> (Outcome, Instant) {
        if let Some(outcome) = self.outcome.clone() {
            return outcome;
        }
        let outcome = match (&self.init_error, &self.exit) {
            (Some(document), _) => Outcome::InitFailed(document.clone()),
            (None, Some(words)) => Outcome::Exited(words.clone()),
            (None, None) => Outcome::TimedOut,
        };
        (outcome, Instant::now())
    }
}

impl Slot {
    /// An environment that starts now.
    pub(super) fn new() -> Self {
        let state = State {
            started: Instant::now(),
            init: None,
            ready: false,
            polling: false,
            pending: None,
            running: None,
            outcome: None,
            init_error: None,
            exit: None,
            log: String::new(),
        };
        Self { state: watch::Sender::new(state) }
    }

    /// Hands a piece of work over and waits for its end. One at a time.
    pub(super) async fn run(&self, work: Work) -> Done {
        let (limit, asked) = (work.timeout, Instant::now());
        self.state.send_modify(|state| {
            state.running = None;
            state.outcome = None;
            state.pending = Some(work);
        });
        let begun = |state: &State| state.running.is_some() || state.ended();
        self.wait(asked + INIT_LIMIT + limit, begun).await;
        let handed = self.state.borrow().running.as_ref().map(|(_, since)| *since);
        if let Some(since) = handed {
            self.wait(since + limit, State::ended).await;
        }
        let mut done = None;
        self.state.send_modify(|state| {
            state.pending = None;
            let (outcome, at) = state.outcome();
            // Whatever arrives after this comes too late.
            state.running = None;
            let took = at.saturating_duration_since(handed.unwrap_or(asked));
            done = Some(Done { outcome, took, init: state.init.take() });
        });
        done.expect("send_modify calls its closure")
    }

    /// `/next`: waits for work. `None` when the environment has ended meanwhile.
    pub(super) async fn next(&self) -> Option<Work> {
        self.state.send_modify(|state| {
            if !state.ready {
                state.ready = true;
                state.init = Some(state.started.elapsed());
            }
            state.polling = true;
        });
        let mut changes = self.state.subscribe();
        loop {
            // The sender is `self`'s own, so it can't be gone.
            let _ = changes.wait_for(|state| state.pending.is_some() || state.exit.is_some()).await;
            let mut handed = None;
            self.state.send_modify(|state| {
                handed = state.pending.take();
                if let Some(work) = &handed {
                    state.polling = false;
                    state.log.push_str(&super::log::start(&work.request_id));
                    state.running = Some((work.request_id.clone(), Instant::now()));
                }
            });
            if handed.is_some() || self.exited() {
                return handed;
            }
        }
    }

    /// `/response`.
    pub(super) fn answered(&self, request_id: &str, body: Bytes) -> Result<(), Refusal> {
        if body.len() > MAX_ANSWER {
            return self.end(request_id, Outcome::TooLarge).and(Err(Refusal::TooLarge));
        }
        self.end(request_id, Outcome::Answered(body))
    }

    /// `/error` of an invocation.
    pub(super) fn failed(&self, request_id: &str, document: Bytes) -> Result<(), Refusal> {
        self.end(request_id, Outcome::Failed(document))
    }

    fn end(&self, request_id: &str, outcome: Outcome) -> Result<(), Refusal> {
        let taken = self.state.send_if_modified(|state| {
            let runs = state.running.as_ref().is_some_and(|(running, _)| running == request_id);
            let takes = runs && state.outcome.is_none();
            if takes {
                state.outcome = Some((outcome, Instant::now()));
            }
            takes
        });
        if taken { Ok(()) } else { Err(Refusal::NotRunning) }
    }

    /// `/init/error`.
    pub(super) fn init_failed(&self, document: Bytes) {
        self.state.send_modify(|state| state.init_error = Some(document));
    }

    /// The process has ended, in these words.
    pub(super) fn exit(&self, words: String) {
        self.state.send_modify(|state| state.exit = Some(words));
    }

    pub(super) fn exited(&self) -> bool {
        self.state.borrow().exit.is_some()
    }

    /// Waits until the process has ended.
    pub(super) async fn gone(&self) {
        let _ = self.state.subscribe().wait_for(|state| state.exit.is_some()).await;
    }

    /// Waits until the environment asks for more work or ends: then it has printed what it had to say. Not for long.
    pub(super) async fn quiet(&self) {
        let mut changes = self.state.subscribe();
        let _ = timeout(LOG_LINGERS, changes.wait_for(|state| state.polling || state.exit.is_some())).await;
    }

    /// Appends what the process printed.
    pub(super) fn print(&self, line: &str) {
        self.state.send_modify(|state| {
            state.log.push_str(line);
            state.log.push('\n');
        });
    }

    /// What was printed since the last time.
    pub(super) fn take_log(&self) -> String {
        let mut log = String::new();
        self.state.send_modify(|state| log = std::mem::take(&mut state.log));
        log
    }

    async fn wait(&self, until: Instant, condition: impl Fn(&State) -> bool) {
        let _ = timeout_at(until, self.state.subscribe().wait_for(|state| condition(state))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(id: &str, timeout: Duration) -> Work {
        Work {
            request_id: id.to_owned(),
            function_arn: String::new(),
            payload: Bytes::from_static(b"{}"),
            trace_id: String::new(),
            timeout,
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn work_goes_over_and_the_answer_comes_back() {
        let slot = Slot::new();
        for (id, cold) in [("a", true), ("b", false)] {
            let client = async {
                let work = slot.next().await.unwrap();
                slot.answered(&work.request_id, work.request_id.clone().into()).unwrap();
            };
            let (done, ()) = tokio::join!(slot.run(work(id, LONG)), client);
            assert_eq!(done.outcome, Outcome::Answered(Bytes::copy_from_slice(id.as_bytes())));
            assert_eq!(done.init.is_some(), cold);
        }
    }

    #[tokio::test]
    async fn a_report_for_another_invocation_or_a_second_one_is_refused() {
        let slot = Slot::new();
        let client = async {
            slot.next().await.unwrap();
            assert_eq!(slot.answered("b", Bytes::new()), Err(Refusal::NotRunning));
            slot.failed("a", Bytes::from_static(b"{}")).unwrap();
            assert_eq!(slot.answered("a", Bytes::new()), Err(Refusal::NotRunning));
        };
        let (done, ()) = tokio::join!(slot.run(work("a", LONG)), client);
        assert_eq!(done.outcome, Outcome::Failed(Bytes::from_static(b"{}")));
        assert_eq!(slot.answered("a", Bytes::new()), Err(Refusal::NotRunning), "too late");
    }

    #[tokio::test]
    async fn an_answer_beyond_the_limit_fails_the_invocation() {
        let slot = Slot::new();
        let client = async {
            slot.next().await.unwrap();
            assert_eq!(slot.answered("a", vec![b'x'; MAX_ANSWER + 1].into()), Err(Refusal::TooLarge));
        };
        let (done, ()) = tokio::join!(slot.run(work("a", LONG)), client);
        assert_eq!(done.outcome, Outcome::TooLarge);
    }

    #[tokio::test]
    async fn a_process_that_ends_ends_its_work() {
        let slot = Slot::new();
        let (done, ()) = tokio::join!(slot.run(work("a", LONG)), async {
            slot.next().await.unwrap();
            slot.exit("so".to_owned());
        });
        assert_eq!(done.outcome, Outcome::Exited("so".to_owned()));
        assert!(slot.next().await.is_none());
    }

    #[tokio::test]
    async fn an_init_error_is_the_outcome_even_if_the_process_ends_too() {
        let slot = Slot::new();
        slot.init_failed(Bytes::from_static(b"why"));
        slot.exit("so".to_owned());
        assert_eq!(slot.run(work("a", LONG)).await.outcome, Outcome::InitFailed(Bytes::from_static(b"why")));
    }

    #[tokio::test]
    async fn silence_is_a_timeout() {
        let slot = Slot::new();
        let limit = Duration::from_millis(5);
        let (done, _) = tokio::join!(slot.run(work("a", limit)), slot.next());
        assert_eq!(done.outcome, Outcome::TimedOut);
        assert!(done.took >= limit);
        assert_eq!(slot.answered("a", Bytes::new()), Err(Refusal::NotRunning), "too late");
    }
}
