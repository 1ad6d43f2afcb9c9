//! What moves the world: simulated time that jumps from event to event, or real time, scaled.

use crate::clock::{self, Time};
use crate::dispatch::Answered;
use crate::draw::Seed;
use crate::faults::Fate;
use crate::journal::Entry;
use crate::lambda::{self, Ending, Host, Invocation};
use crate::stack::{Deployment, Progress, Summary};
use crate::wire::{Context, Request, Response};
use crate::world::{Event, Step, World};
use crate::{control, dispatch, faults, server, sqs};
use chrono::TimeDelta;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How time passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Jumps to the next event as soon as every function is idle; each call of an invocation costs simulated latency.
    Simulated {
        /// When it begins.
        start: Time,
    },
    /// The machine's time, so many times as fast.
    Real {
        /// At least 1.
        speed: u32,
    },
}

/// How much of its record a local AWS keeps that stays up for ever: nobody reads it after it was shown.
const KEPT: usize = 1000;

/// A local AWS that runs: its world, its port, the processes of its functions.
pub struct Local {
    world: Mutex<World>,
    host: Arc<Host>,
    pace: Pace,
    url: String,
    posted: Notify,
}

/// Stops the port when it is dropped.
pub struct Running {
    /// The local AWS.
    pub local: Arc<Local>,
    server: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Running {
    /// Starts an empty local AWS on a port of loopback; 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(seed: Seed, pace: Pace, port: u16) -> anyhow::Result<Self> {
        let start = match pace {
            Pace::Simulated { start } => start,
            Pace::Real { .. } => clock::machine_now(),
        };
        Self::go_on(World::new(seed, start), pace, port).await
    }

    /// Starts a local AWS that has a world already. In real time, it goes on from the world's time, or from the
    /// machine's if that is later: what came due meanwhile happens at once, in order.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn go_on(mut world: World, pace: Pace, port: u16) -> anyhow::Result<Self> {
        let (listener, address) = server::bind(port).await?;
        world.apart = matches!(pace, Pace::Simulated { .. });
        if let Pace::Real { speed } = pace {
            world.speed = i32::try_from(speed).unwrap_or(i32::MAX).max(1);
            world.journal.bound(KEPT);
            world.resume(clock::machine_now());
        }
        let local = Arc::new(Local {
            world: Mutex::new(world),
            host: Host::new(address),
            pace,
            url: format!("http://{address}"),
            posted: Notify::new(),
        });
        let server = tokio::spawn(server::serve(listener, local.clone()));
        Ok(Self { local, server })
    }
}

impl Local {
    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The world, locked: not to be held while waiting.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no code panics while it holds the world")
    }

    /// Names the executable of a function's code.
    pub fn set_executable(&self, code: PathBuf, executable: PathBuf) {
        self.host.set_executable(code, executable);
    }

    /// Answers one HTTP request; `None` means that its connection is dropped.
    pub(crate) async fn answer(self: &Arc<Self>, request: &Request) -> Option<Response> {
        if let Some((process, path)) = request.path.strip_prefix("/_runtime/").and_then(|rest| rest.split_once('/')) {
            let path = format!("/{path}");
            let body = request.body.clone();
            return Some(self.host.runtime_api(process, &request.method, &path, &request.headers, body).await);
        }
        if control::is_for(&request.path) {
            return Some(control::answer(self, request).await);
        }
        self.catch_up();
        let answered = match lambda::api::recognised(request) {
            Some((operation, input)) => {
                let answered = self.answer_lambda(operation, &input, request).await;
                self.posted.notify_one();
                answered
            }
            None => {
                if let (Pace::Real { speed }, Some(input)) = (self.pace, sqs::asked_to_receive(request)) {
                    self.wait_for_message(request, &input, speed).await;
                }
                let mut world = self.world();
                let due = world.next_due();
                let answered = dispatch::answer(&mut world, request, self.is_simulated());
                // Most calls read, and leave nothing to wake up for.
                if world.next_due() != due || world.journal.has_new() {
                    self.posted.notify_one();
                }
                answered
            }
        };
        if let Some(delay) = answered.delay.to_std().ok().filter(|delay| !delay.is_zero()) {
            tokio::time::sleep(delay).await;
        }
        answered.response
    }

    /// Real time: returns when there is a message for one who receives, or no longer waits for one.
    async fn wait_for_message(&self, request: &Request, input: &Value, speed: u32) {
        let Ok((context, _)) = dispatch::context(&mut self.world(), request) else { return };
        let Some(until) = sqs::waits_until(&self.world(), &context, input) else { return };
        loop {
            let (now, due) = {
                let world = self.world();
                if world.now >= until || sqs::has_message(&world, &context, input) {
                    return;
                }
                (world.now, world.next_due().map_or(until, |due| due.min(until)))
            };
            // What a function does meanwhile is due at no time that is known.
            let pause = (due - now).to_std().unwrap_or_default() / speed;
            tokio::time::sleep(pause.clamp(Duration::from_millis(1), Duration::from_millis(20))).await;
            self.catch_up();
        }
    }

    fn is_simulated(&self) -> bool {
        matches!(self.pace, Pace::Simulated { .. })
    }

    async fn answer_lambda(self: &Arc<Self>, operation: &str, input: &Value, request: &Request) -> Answered {
        let (context, delay) = {
            let mut world = self.world();
            let context = match dispatch::context(&mut world, request) {
                Ok((context, _)) => context,
                Err(refusal) => return refusal.into(),
            };
            let verdict = faults::of_call(&mut world, &context, "lambda", operation, input);
            let delay = dispatch::elapse(&mut world, verdict.latency, self.is_simulated());
            let response = match verdict.fate {
                None => None,
                Some(Fate::Unreachable) => {
                    lambda::api::record(&mut world, &context, operation, Some("Unreachable".to_owned()));
                    return Answered { response: None, delay };
                }
                Some(Fate::Refused(error)) => Some(lambda::api::refused(&mut world, &context, operation, error)),
            };
            if response.is_some() {
                return Answered { response, delay };
            }
            (context, delay)
        };
        Answered { response: Some(self.clone().run_lambda(context, request.clone()).await), delay }
    }

    /// An invocation goes on, and is written down, when the client that waits for it hangs up.
    async fn run_lambda(self: Arc<Self>, context: Context, request: Request) -> Response {
        let lost = Response { status: 500, headers: Vec::new(), body: Default::default() };
        let answer = async move { lambda::api::answer(&self.host, &self.world, &context, &request).await };
        tokio::spawn(answer).await.unwrap_or(lost)
    }

    /// In real time: what is due by now happens; invocations are left to [`Self::live`].
    fn catch_up(&self) {
        if let Pace::Real { .. } = self.pace {
            let mut world = self.world();
            let now = world.on_own_clock(clock::machine_now());
            world.pass(now);
        }
    }

    /// Runs one invocation to its end and writes it down.
    pub async fn invoke(&self, invocation: Invocation) -> Ending {
        let started = {
            let mut world = self.world();
            world.in_flight.insert(invocation.request_id.clone(), invocation.clone());
            world.now
        };
        let ending = self.host.invoke(&self.world, &invocation).await;
        self.catch_up();
        lambda::finished(&mut self.world(), invocation, started, ending.clone());
        self.posted.notify_one();
        ending
    }

    /// Simulated time: everything that is due by `limit` happens, in order. `watch` sees each journal entry once.
    pub async fn run_until(&self, limit: Time, watch: &mut impl FnMut(&Entry)) {
        loop {
            let step = self.world().step(limit);
            self.show(watch);
            match step {
                None => return,
                Some(Step::Handled) => {}
                Some(Step::Invoke(invocation)) => {
                    self.invoke(invocation).await;
                    self.show(watch);
                }
            }
        }
    }

    /// Simulated time: goes on until nothing that was announced is still on its way: no message,
    /// validation, invocation or retry waits. Builds in flight stay in flight.
    pub async fn settle(&self, watch: &mut impl FnMut(&Entry)) {
        loop {
            let due = self.world().next_consequence();
            match due {
                Some(due) => self.run_until(due, watch).await,
                None => return,
            }
        }
    }

    fn show(&self, watch: &mut impl FnMut(&Entry)) {
        let new = self.world().journal.take_new();
        new.iter().for_each(watch);
    }

    /// Real time: handles what comes due, for ever. Invocations run side by side.
    pub async fn live(self: Arc<Self>, mut watch: impl FnMut(&Entry)) {
        let Pace::Real { speed } = self.pace else { return };
        loop {
            let now = self.world().on_own_clock(clock::machine_now());
            loop {
                let step = {
                    let mut world = self.world();
                    // Requests move time on, too, and with it the invocations that wait for this.
                    let now = now.max(world.now);
                    world.step(now)
                };
                match step {
                    None => break,
                    Some(Step::Handled) => {}
                    Some(Step::Invoke(invocation)) => {
                        let local = self.clone();
                        tokio::spawn(async move { local.invoke(invocation).await });
                    }
                }
            }
            self.show(&mut watch);
            let due = self.world().next_due();
            let until_due = due.map_or(TimeDelta::hours(1), |due| due - now).to_std().unwrap_or_default() / speed;
            tokio::select! {
                () = tokio::time::sleep(until_due.max(Duration::from_millis(1))) => {}
                () = self.posted.notified() => {}
            }
        }
    }

    /// Deploys a stack. A resource that waits for a build lets time pass; `watch` sees what happens meanwhile.
    ///
    /// # Errors
    /// Whatever is wrong with the template, and what a service answered.
    pub async fn deploy(&self, mut deployment: Deployment, watch: &mut impl FnMut(&Entry)) -> anyhow::Result<Summary> {
        loop {
            let progress = deployment.advance(&mut self.world())?;
            self.posted.notify_one();
            self.show(watch);
            let image_arn = match progress {
                Progress::Done(summary) => return Ok(summary),
                Progress::Waiting { image_arn } => image_arn,
            };
            while !self.world().imagebuilder.has_ended(&image_arn) {
                match self.pace {
                    Pace::Simulated { .. } => {
                        let due = self.world().next_due();
                        let due =
                            due.ok_or_else(|| anyhow::anyhow!("{image_arn} waits, and nothing is due any more"))?;
                        self.run_until(due, watch).await;
                    }
                    Pace::Real { speed } => {
                        tokio::time::sleep(Duration::from_secs(1) / speed.min(100)).await;
                        self.catch_up();
                    }
                }
            }
        }
    }

    /// Empties the world, see [`World::reset`], and ends the functions' processes. Returns the stacks that are gone.
    pub(crate) async fn reset(&self) -> Vec<String> {
        self.catch_up();
        let gone = self.world().reset();
        self.host.stop_all().await;
        self.posted.notify_one();
        gone
    }

    /// Ends the functions' processes.
    pub async fn shut_down(&self) {
        self.host.shut_down().await;
    }
}

impl World {
    /// When the next event is due that follows from something that has happened already: a message, a
    /// validation, an invocation. Schedules, releases and builds go on by themselves.
    fn next_consequence(&self) -> Option<Time> {
        self.first_due(|event| {
            matches!(
                event,
                Event::Publish(_)
                    | Event::Deliver(_)
                    | Event::Emit(_)
                    | Event::Ssm(_)
                    | Event::Ec2(_)
                    | Event::Invoke(_)
                    | Event::Late(_)
            )
        })
    }
}
