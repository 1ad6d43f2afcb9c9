//! The state of every service, and the one queue on which time orders what they cause.

use crate::clock::{self, Time};
use crate::draw::Seed;
use crate::journal::{Entry, Journal, Kind};
use crate::{autoscaling, ec2, events, faults, imagebuilder, lambda, latency, s3, sns, ssm, stack, sts};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The account that everything without another belongs to.
pub const DEFAULT_ACCOUNT: &str = "123456789012";

/// The Region that stacks are deployed in.
pub const DEFAULT_REGION: &str = "us-east-1";

/// The Regions in which Amazon's images exist.
pub const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// What waits on the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// Image Builder's own: a phase of a build ends, a pipeline's schedule comes due, a managed image is released.
    ImageBuilder(imagebuilder::Event),
    /// EC2: an AMI appears or settles.
    Ec2(ec2::Event),
    /// Parameter Store's own: a value of data type `aws:ec2:image` is validated.
    Ssm(ssm::Event),
    /// A message arrives at a topic.
    Publish(sns::Message),
    /// A notification arrives at one subscription.
    Deliver(sns::Delivery),
    /// An event arrives at a default event bus.
    Emit(events::Event),
    /// An EventBridge rule's or Scheduler schedule's time has come.
    Tick(events::Tick),
    /// A function is due to be invoked.
    Invoke(lambda::Invocation),
    /// What a fault held back or repeats arrives; no fault strikes it again.
    Late(faults::Late),
}

/// Everything that the local AWS knows.
#[derive(Serialize, Deserialize)]
pub struct World {
    /// Simulated time. It never goes back.
    pub now: Time,
    /// What everything that looks random is drawn from.
    pub seed: Seed,
    /// The record of the run.
    pub journal: Journal,
    /// Image Builder.
    pub imagebuilder: imagebuilder::Store,
    /// EC2.
    pub ec2: ec2::Store,
    /// EC2 Auto Scaling.
    #[serde(default)]
    pub autoscaling: autoscaling::Store,
    /// Where the objects of S3 are.
    #[serde(skip)]
    pub s3: s3::Store,
    /// Parameter Store.
    pub ssm: ssm::Store,
    /// SNS.
    pub sns: sns::Store,
    /// STS.
    pub sts: sts::Store,
    /// EventBridge and EventBridge Scheduler.
    pub events: events::Store,
    /// Lambda's functions and what became of their asynchronous invocations.
    pub lambda: lambda::Store,
    /// The deployed stacks, with the resources that belong to no service above.
    pub stacks: stack::Store,
    /// The faults that are asked for.
    pub faults: faults::Store,
    /// By request ID: the invocations that were handed out and haven't ended.
    pub(crate) in_flight: BTreeMap<String, lambda::Invocation>,
    /// By request ID: what the calls of those that run have cost.
    #[serde(skip)]
    pub(crate) running: BTreeMap<String, latency::Running>,
    /// When the call that is handled now is answered, if that is another time than now.
    #[serde(skip)]
    pub(crate) call_time: Option<Time>,
    /// How many times as fast as the clocks of its clients time runs here.
    #[serde(skip, default = "as_fast")]
    pub(crate) speed: i32,
    /// Whether its clients' clocks go on by themselves: simulated time jumps, and theirs are the machine's.
    #[serde(skip)]
    pub(crate) apart: bool,
    /// Goes up with everything that is worth saving.
    #[serde(skip)]
    pub(crate) revision: u64,
    /// A moment here and on the clocks of its clients.
    #[serde(skip)]
    begun: Moment,
    #[serde(with = "crate::pairs")]
    queue: BTreeMap<(Time, u64), Event>,
    posted: u64,
    counters: BTreeMap<String, u64>,
}

/// One moment on two clocks.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    here: Time,
    clients: Time,
}

fn as_fast() -> i32 {
    1
}

impl World {
    /// An empty account at a moment.
    pub fn new(seed: Seed, now: Time) -> Self {
        let mut world = Self {
            now,
            seed,
            journal: Journal::default(),
            imagebuilder: imagebuilder::Store::default(),
            ec2: ec2::Store::default(),
            autoscaling: autoscaling::Store::default(),
            s3: s3::Store::default(),
            ssm: ssm::Store::default(),
            sns: sns::Store::default(),
            sts: sts::Store::default(),
            events: events::Store::default(),
            lambda: lambda::Store::default(),
            stacks: stack::Store::default(),
            faults: faults::Store::default(),
            in_flight: BTreeMap::new(),
            running: BTreeMap::new(),
            call_time: None,
            speed: as_fast(),
            apart: false,
            revision: 0,
            begun: Moment { here: now, clients: now },
            queue: BTreeMap::new(),
            posted: 0,
            counters: BTreeMap::new(),
        };
        imagebuilder::begin(&mut world);
        world
    }

    /// Empties everything: what is left is the seed, the time with its pace, and the rules of the faults, whose
    /// counts begin anew. Returns the stacks that are gone, as `REGION/NAME`.
    pub(crate) fn reset(&mut self) -> Vec<String> {
        let fresh = Self {
            journal: self.journal.emptied(),
            faults: self.faults.begun_anew(),
            s3: self.s3.clone(),
            speed: self.speed,
            apart: self.apart,
            revision: self.revision + 1,
            begun: self.begun,
            ..Self::new(self.seed, self.now)
        };
        std::mem::replace(self, fresh).stacks.deployed.into_keys().collect()
    }

    /// Goes on after a restart at a time of its clients' clocks. Time never goes back: where it had run ahead of
    /// those clocks, it goes on from there. Invocations that were cut off run again, but for those whose caller
    /// waited: that caller is gone.
    pub(crate) fn resume(&mut self, clients: Time) {
        self.begun = Moment { here: self.now.max(clients), clients };
        self.sts.forget_processes();
        for invocation in std::mem::take(&mut self.in_flight).into_values() {
            if invocation.source != lambda::SYNCHRONOUS {
                self.post(self.now, Event::Invoke(invocation));
            }
        }
    }

    /// Posts an event for a time; one that has passed means now. Returns its place, for [`Self::retract_from`].
    pub fn post(&mut self, at: Time, event: Event) -> u64 {
        self.posted += 1;
        self.queue.insert((at.max(self.time_of_call()), self.posted), event);
        self.posted
    }

    /// The time of the call that is handled: now, but for a call that an invocation makes beside others
    /// whose time has run ahead.
    pub fn time_of_call(&self) -> Time {
        self.call_time.unwrap_or(self.now)
    }

    /// What the clocks of its clients show now: theirs began together with this one, unless they go on by themselves.
    pub(crate) fn clients_now(&self) -> Time {
        match self.apart {
            true => clock::machine_now(),
            false => self.begun.clients + (self.now - self.begun.here) / self.speed,
        }
    }

    /// The time here at a time of its clients' clocks, as far as the world follows them.
    pub(crate) fn on_own_clock(&self, at: Time) -> Time {
        self.begun.here + (at - self.begun.clients) * self.speed
    }

    /// How many events were ever posted.
    pub fn posted(&self) -> u64 {
        self.posted
    }

    /// Takes back what was posted after the `count`-th event: a dry run leaves nothing behind.
    pub fn retract_from(&mut self, count: u64) {
        self.queue.retain(|(_, place), _| *place <= count);
    }

    /// When the next event is due.
    pub fn next_due(&self) -> Option<Time> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// When the first event of a kind is due.
    pub(crate) fn first_due(&self, wanted: impl Fn(&Event) -> bool) -> Option<Time> {
        self.queue.iter().find(|(_, event)| wanted(event)).map(|((at, _), _)| *at)
    }

    /// Moves time to the next event that is due by `limit` and handles it; an invocation is handed out
    /// instead, for it needs a process. `None` when nothing is due by then; time then stands at `limit`.
    pub fn step(&mut self, limit: Time) -> Option<Step> {
        let due = self.next_due().filter(|at| *at <= limit);
        let Some(((at, _), event)) = due.and_then(|_| self.queue.pop_first()) else {
            self.now = self.now.max(limit);
            return None;
        };
        let reached = self.now.max(at);
        // Within an invocation the time of one Region's calls runs ahead of another's, as it happens. What comes of
        // a call happens at its own time all the same, or luck would show.
        self.now = at;
        self.revision += 1;
        let step = self.handle(at, event);
        self.now = reached;
        Some(step)
    }

    fn handle(&mut self, at: Time, event: Event) -> Step {
        match event {
            Event::ImageBuilder(event) => imagebuilder::on(self, event),
            Event::Ec2(event) => ec2::on(self, event),
            Event::Ssm(event) => ssm::on(self, event),
            Event::Publish(message) => sns::on_publish(self, message),
            Event::Deliver(delivery) => faults::deliver(self, delivery),
            Event::Emit(event) => faults::emit(self, event),
            Event::Late(late) => faults::arrive(self, late),
            Event::Tick(tick) => events::on_tick(self, tick),
            Event::Invoke(invocation) => {
                let invocation = self.draw_among_due(at, invocation);
                self.in_flight.insert(invocation.request_id.clone(), invocation.clone());
                return Step::Invoke(invocation);
            }
        }
        Step::Handled
    }

    /// Of the invocations that are due at the same moment, the seed says which runs first: an order that
    /// functions get by luck is none to rely on.
    fn draw_among_due(&mut self, at: Time, first: lambda::Invocation) -> lambda::Invocation {
        let drawn = |invocation: &lambda::Invocation| self.seed.draw(&["first", &invocation.request_id]);
        let other = self
            .queue
            .range((at, 0)..=(at, u64::MAX))
            .filter_map(|(key, event)| if let Event::Invoke(other) = event { Some((drawn(other), *key)) } else { None })
            .min();
        match other {
            Some((draw, key)) if draw < drawn(&first) => match self.queue.insert(key, Event::Invoke(first)) {
                Some(Event::Invoke(other)) => other,
                _ => unreachable!("the key was found to hold an invocation"),
            },
            _ => first,
        }
    }

    /// Lets time pass up to `until` while an invocation runs: what is due happens, but no further
    /// invocation starts; those due are queued again for `until`.
    pub fn pass(&mut self, until: Time) {
        let mut waiting = Vec::new();
        while let Some(step) = self.step(until) {
            if let Step::Invoke(invocation) = step {
                waiting.push(invocation);
            }
        }
        for invocation in waiting {
            self.in_flight.remove(&invocation.request_id);
            self.post(until, Event::Invoke(invocation));
        }
    }

    /// A number for a name, counting from 1: what makes the n-th message differ from the one before.
    pub fn count(&mut self, name: &str) -> u64 {
        let counter = self.counters.entry(name.to_owned()).or_default();
        *counter += 1;
        *counter
    }

    /// A UUID for the n-th thing of a name.
    pub fn fresh_uuid(&mut self, name: &str) -> String {
        let n = self.count(name).to_string();
        self.seed.uuid(&[name, &n])
    }

    /// A drawn span in `[low, high]` milliseconds.
    pub fn span_millis(&self, key: &[&str], low: i64, high: i64) -> TimeDelta {
        self.seed.span(key, TimeDelta::milliseconds(low), TimeDelta::milliseconds(high))
    }

    /// Records something that happened now.
    pub fn record(&mut self, kind: Kind, subject: impl Into<String>, region: Option<&str>, detail: impl Into<String>) {
        self.record_for(None, kind, subject, region, detail);
    }

    /// Records something that a caller did now: its invocation, if any, is named.
    pub fn record_for(
        &mut self,
        invocation: Option<&str>,
        kind: Kind,
        subject: impl Into<String>,
        region: Option<&str>,
        detail: impl Into<String>,
    ) {
        let entry = Entry {
            at: self.now,
            kind,
            subject: subject.into(),
            region: region.map(str::to_owned),
            detail: detail.into(),
            invocation: invocation.map(str::to_owned),
            cost: None,
        };
        let held = match invocation {
            Some(invocation) => self.running.contains_key(invocation),
            // Its time has its place among those of other Regions, which may not have come so far.
            None => !self.running.is_empty(),
        };
        self.journal.record(entry, held);
    }
}

/// What [`World::step`] did.
#[derive(Debug)]
pub enum Step {
    /// The event was handled.
    Handled,
    /// A function is to be invoked now.
    Invoke(lambda::Invocation),
}
