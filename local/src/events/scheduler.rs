//! EventBridge Scheduler: schedules with a time zone, a flexible window, a start and an end.

use super::Tick;
use super::fire::{self, Sending};
use super::members::{invalid, is_name};
use super::targets::Destination;
use crate::clock::{Time, iso_seconds};
use crate::ec2;
use crate::journal::Kind;
use crate::schedule::Expression;
use crate::wire::ApiError;
use crate::world::{Event, World};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The universal target that starts a pipeline; its input names which.
const START_PIPELINE: &str = "aws-sdk:imagebuilder:startImagePipelineExecution";

/// The universal target that launches instances; its input is that of the call.
const RUN_INSTANCES: &str = "aws-sdk:ec2:runInstances";

/// A schedule of EventBridge Scheduler.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Schedule {
    /// 12 digits.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The schedule group; `default` unless another was made.
    pub group: String,
    /// Unique within its group.
    pub name: String,
    /// `cron(…)`, `rate(…)` or `at(…)`.
    pub expression: String,
    /// An IANA time zone; UTC if absent.
    pub timezone: Option<String>,
    /// `MaximumWindowInMinutes` of a flexible window, 1 to 1440.
    pub window_minutes: Option<u32>,
    /// Whether it runs.
    pub enabled: bool,
    /// Before this nothing happens.
    pub start: Option<Time>,
    /// From here on nothing happens.
    pub end: Option<Time>,
    /// Whom it names.
    pub target_arn: String,
    /// What the target is sent, context attributes such as `<aws.scheduler.scheduled-time>` filled in.
    pub input: Option<String>,
}

impl Schedule {
    /// `arn:aws:scheduler:region:account:schedule/group/name`
    pub fn arn(&self) -> String {
        let Self { account, region, group, name, .. } = self;
        format!("arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}")
    }

    /// What the target is sent. `Input` may hold context attributes; without it Scheduler has an event of its
    /// own, whose `detail` is a string.
    fn payload(&self, scheduled: Time, execution: &str) -> String {
        let Some(input) = &self.input else {
            return json!({
                "version": "0",
                "id": execution,
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self.account,
                "time": iso_seconds(scheduled),
                "region": self.region,
                "resources": [self.arn()],
                "detail": "{}",
            })
            .to_string();
        };
        input
            .replace("<aws.scheduler.scheduled-time>", &iso_seconds(scheduled))
            .replace("<aws.scheduler.schedule-arn>", &self.arn())
            .replace("<aws.scheduler.execution-id>", execution)
            .replace("<aws.scheduler.attempt-number>", "1")
    }

    fn starts_pipeline(&self) -> bool {
        self.is_universal(START_PIPELINE)
    }

    fn runs_instances(&self) -> bool {
        self.is_universal(RUN_INSTANCES)
    }

    fn is_universal(&self, target: &str) -> bool {
        self.target_arn.ends_with(&format!(":scheduler:::{target}"))
    }

    /// What one run sends. The universal target becomes the pipeline that its input names.
    pub(super) fn sending(&self, scheduled: Time, execution: &str) -> Sending {
        let payload = self.payload(scheduled, execution);
        if !self.starts_pipeline() {
            return Sending { arn: self.target_arn.clone(), input: Ok(payload) };
        }
        let input: Value = serde_json::from_str(&payload).unwrap_or_default();
        match input["ImagePipelineArn"].as_str() {
            Some(pipeline) => Sending { arn: pipeline.to_owned(), input: Ok(payload) },
            None => Sending { arn: self.target_arn.clone(), input: Err("its Input names no ImagePipelineArn".into()) },
        }
    }
}

/// A schedule with what was read from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    schedule: Schedule,
    expression: Expression,
    zone: Tz,
    /// The start, or when it was made: rates count from here.
    anchor: Time,
    generation: u64,
}

impl Kept {
    /// The first time from `now` on. A rate begins at once or at its start; `at` minds neither start nor end.
    fn first(&self, now: Time) -> Option<Time> {
        if self.expression.is_one_time() {
            return self.expression.next_after(now, self.zone, self.anchor);
        }
        if self.schedule.expression.trim_start().starts_with("rate") {
            return self.before_end(Some(self.anchor));
        }
        let after = if self.anchor > now { self.anchor - TimeDelta::milliseconds(1) } else { now };
        self.before_end(self.expression.next_after(after, self.zone, self.anchor))
    }

    fn next(&self, last: Time) -> Option<Time> {
        if self.expression.is_one_time() {
            return None;
        }
        self.before_end(self.expression.next_after(last, self.zone, self.anchor))
    }

    fn before_end(&self, time: Option<Time>) -> Option<Time> {
        time.filter(|time| self.schedule.end.is_none_or(|end| *time < end))
    }
}

/// Makes a schedule, or replaces the one of its name and group: then what was posted before is void.
///
/// # Errors
/// `ValidationException`, as Scheduler checks them.
pub fn put_schedule(world: &mut World, schedule: Schedule) -> Result<(), ApiError> {
    let destination = check(&schedule)?;
    let bad = || invalid(format!("Invalid Schedule Expression {}.", schedule.expression));
    let expression = Expression::parse(&schedule.expression).map_err(|_| bad())?;
    let zone = schedule.timezone.as_deref().unwrap_or("UTC");
    let zone: Tz = zone.parse().map_err(|_| invalid(format!("Invalid Schedule Expression Timezone {zone}.")))?;
    let arn = schedule.arn();
    if destination == Destination::Elsewhere && !schedule.starts_pipeline() && !schedule.runs_instances() {
        fire::warn_unreached(world, &schedule.name, &schedule.region, &schedule.target_arn);
    }
    let anchor = schedule.start.map_or(world.now, |start| start.max(world.now));
    let kept = Kept { schedule, expression, zone, anchor, generation: world.events.next_generation() };
    let first = kept.first(world.now).filter(|_| kept.schedule.enabled);
    let (name, region) = (kept.schedule.name.clone(), kept.schedule.region.clone());
    if first.is_none() && kept.schedule.enabled {
        let detail = format!("{} never comes due", kept.schedule.expression);
        world.record(Kind::Warning, name, Some(&region), detail);
    }
    world.events.schedules.insert(arn.clone(), kept);
    if let Some(first) = first {
        post(world, &arn, first);
    }
    Ok(())
}

fn check(schedule: &Schedule) -> Result<Destination, ApiError> {
    for name in [&schedule.name, &schedule.group] {
        if !is_name(name) {
            return Err(invalid(format!("{name:?} must have 1 to 64 characters of [0-9a-zA-Z-_.].")));
        }
    }
    if schedule.window_minutes.is_some_and(|minutes| !(1..=1440).contains(&minutes)) {
        return Err(invalid("MaximumWindowInMinutes must be between 1 and 1440."));
    }
    if let (Some(start), Some(end)) = (schedule.start, schedule.end)
        && start >= end
    {
        return Err(invalid("The StartDate must come before the EndDate."));
    }
    let destination = Destination::of(&schedule.target_arn)
        .ok_or_else(|| invalid(format!("Provided Arn is not in correct format: {}", schedule.target_arn)))?;
    if destination == Destination::Pipeline {
        let message =
            format!("{} isn't a target of EventBridge Scheduler: name {START_PIPELINE}.", schedule.target_arn);
        return Err(invalid(message));
    }
    let universal = schedule.starts_pipeline() || schedule.runs_instances();
    let needs_json = destination == Destination::Function || universal;
    if let Some(input) = &schedule.input
        && needs_json
        && serde_json::from_str::<IgnoredAny>(input).is_err()
    {
        return Err(invalid("Input must be well-formed JSON for this target."));
    }
    Ok(destination)
}

/// Posts a run: within its flexible window, if it has one, at a drawn time.
fn post(world: &mut World, arn: &str, scheduled: Time) {
    let Some(kept) = world.events.schedules.get(arn) else { return };
    let tick = Tick { arn: arn.to_owned(), generation: kept.generation, scheduled };
    let window = i64::from(kept.schedule.window_minutes.unwrap_or(0)) * 60_000;
    let delay = world.span_millis(&["window", arn, &iso_seconds(scheduled)], 0, window);
    world.post(scheduled + delay, Event::Tick(tick));
}

/// A schedule's time has come.
pub(super) fn on_tick(world: &mut World, tick: &Tick) {
    let Some(kept) = world.events.schedules.get(&tick.arn).filter(|kept| kept.generation == tick.generation) else {
        return;
    };
    let execution = if kept.schedule.input.is_some() {
        world.seed.hex(&["execution", &tick.arn, &iso_seconds(tick.scheduled)], 16)
    } else {
        world.seed.uuid(&["execution", &tick.arn, &iso_seconds(tick.scheduled)])
    };
    let (next, schedule) = (kept.next(tick.scheduled), kept.schedule.clone());
    if let Some(next) = next {
        post(world, &tick.arn, next);
    }
    world.record(Kind::ScheduleFired, schedule.name.as_str(), Some(&schedule.region), schedule.expression.as_str());
    let sending = schedule.sending(tick.scheduled, &execution);
    if let (true, Ok(input)) = (schedule.runs_instances(), &sending.input) {
        let input = serde_json::from_str(input).unwrap_or_default();
        let run = ec2::Event::Run { account: schedule.account, region: schedule.region, input };
        world.post(world.now, Event::Ec2(run));
        return;
    }
    fire::send(world, sending, &schedule.name, &schedule.region, "schedule");
}
