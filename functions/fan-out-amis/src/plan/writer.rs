//! One parameter while it is written: a machine that says call by call what is to be done next, and is told the answer.
//! It does no I/O, so that every order of the calls of several writers, and every crash between them, can be tried out.

use super::action::{Action, Made};
use super::call::{Answer, Call, Next, Refusal};
use super::decide::{Intent, decide, intent};
use super::facts::{Facts, Known};
use super::goal::{By, Goal, Images, View};
use super::place::{Content, DataType, Place};
use super::reason::Reason;
use super::room::is_bookkeeping;
use crate::event::Cause;
use crate::settings::{Rule, Settings};
use shared::arn::ImageBuildArn;
use shared::plan::Outcome;
use shared::published::{HOLD, Published};

/// Versions that one writer writes at most: each one more takes another writer in between, or a build that would be
/// dropped with its labels.
const MOST_PUTS: usize = 12;

/// How often a writer puts a label that others move too where it belongs: each time more takes one of them in between.
const MOST_MOVES: usize = 8;

/// The same for a rule, which gives way to a person.
const MOST_MOVES_BY_RULE: usize = 4;

/// Labels of the kind `v1.2.0-3` that one run repairs at most.
const MOST_REPAIRS: usize = 10;

/// How often Parameter Store may refuse what the history as read allows.
const MOST_REFUSALS: usize = 3;

/// How often Parameter Store is waited for in a row, which says only that validation takes seconds: ten seconds in all.
const MOST_PAUSES: u32 = 13;

/// One parameter while it is written. PutParameter has no compare-and-set: what others wrote in between shows in the
/// history afterwards, and whoever wrote last sees it and puts it right. So a writer ends only when what it read after its
/// last change that others could contradict is as it has to be.
#[derive(Debug)]
pub struct Writer<'a> {
    facts: &'a Facts,
    settings: &'a Settings,
    place: Place,
    goal: Goal,
    /// The build that the plan names.
    target: Option<ImageBuildArn>,
    images: Images<'a>,
    history: Vec<Published>,
    /// Whether the history was read after the last change that others could contradict.
    fresh: bool,
    state: State,
    /// The version that was written last.
    made: Option<i64>,
    /// The end that waits until the newest build stands last again.
    end: Option<Outcome<Made>>,
    counts: Counts,
}

/// What the next answer is about.
#[derive(Debug)]
enum State {
    Begun,
    Reading,
    Putting { content: Content },
    Awaiting { version: i64, content: Content },
    Pausing { awaited: Option<(i64, Content)> },
    Labelling { version: i64, labels: Vec<String> },
    Unlabelling { labels: Vec<String> },
    Looking(ImageBuildArn),
    Over,
}

#[derive(Debug, Default)]
struct Counts {
    puts: usize,
    moves: usize,
    repairs: usize,
    refusals: usize,
    pauses: u32,
    changes: usize,
}

impl<'a> Writer<'a> {
    /// Who carries an action out at its place, from the place's history on as it was read or as the step before left it;
    /// none for an action that isn't about writing a parameter.
    pub fn new(facts: &'a Facts, settings: &'a Settings, action: &Action, history: Vec<Published>) -> Option<Self> {
        let candidate = || facts.candidate().map(|image| image.arn.clone());
        let (place, target, goal) = match action {
            Action::Write(target) | Action::Label(target) => {
                (&target.place, &target.build, Goal::Publish { candidate: candidate(), respect_manual: true })
            }
            Action::Renew(target) => (&target.place, &target.build, Goal::MakeRoom),
            Action::Hold(target) => (&target.place, &target.build, Goal::Hold(target.build.clone()?)),
            Action::Release(target) => (&target.place, &target.build, Goal::Release { candidate: candidate() }),
            Action::Promote(target) => {
                let by = by(facts, settings, &target.channel);
                let (channel, build) = (target.channel.clone(), target.build.clone()?);
                (&target.place, &target.build, Goal::Promote { channel, build, by })
            }
            Action::HoldChannel(target) => {
                let (channel, build) = (target.channel.clone(), target.build.clone()?);
                (&target.place, &target.build, Goal::HoldChannel { channel, build })
            }
            Action::ReleaseChannel(target) => {
                (&target.place, &target.build, Goal::ReleaseChannel { channel: target.channel.clone() })
            }
            Action::Keep(_) | Action::KeepChannel(_) | Action::Announce { .. } => return None,
        };
        Some(Self::begin(facts, settings, place.clone(), goal, target.clone(), history))
    }

    /// Who puts down at a place that a build was announced.
    pub fn remember(facts: &'a Facts, settings: &'a Settings, place: Place, build: ImageBuildArn) -> Self {
        let history = facts.history(&place).to_vec();
        Self::begin(facts, settings, place, Goal::Remember(build.clone()), Some(build), history)
    }

    fn begin(
        facts: &'a Facts,
        settings: &'a Settings,
        place: Place,
        goal: Goal,
        target: Option<ImageBuildArn>,
        history: Vec<Published>,
    ) -> Self {
        let (images, counts) = (Images::of(facts), Counts::default());
        let (fresh, state, made, end) = (true, State::Begun, None, None);
        Self { facts, settings, place, goal, target, images, history, fresh, state, made, end, counts }
    }

    /// The place that it writes at.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How many versions it has written.
    pub fn written(&self) -> usize {
        self.counts.puts
    }

    /// The place's history as the writer left it.
    pub fn into_history(self) -> Vec<Published> {
        self.history
    }

    /// What is to be done next: `None` at first, then the answer to the call before.
    pub fn next(&mut self, answer: Option<Answer>) -> Next {
        let state = std::mem::replace(&mut self.state, State::Over);
        if let Some(Answer::Failed(trouble)) = answer {
            return failed(trouble.error, trouble.retryable);
        }
        match (state, answer) {
            (State::Begun, None) => self.decide(),
            (State::Reading, Some(Answer::History(history))) => {
                (self.history, self.fresh) = (history, true);
                self.decide()
            }
            (State::Putting { content }, Some(Answer::Version(version))) => {
                self.counts.puts += 1;
                self.counts.changes += 1;
                self.call(State::Awaiting { version, content }, Call::History)
            }
            (State::Putting { .. }, Some(Answer::Refused(Refusal::Full))) => {
                self.refused(Reason::Full { version: self.oldest(), labels: self.oldest_labels() })
            }
            (State::Awaiting { version, content }, Some(Answer::History(history))) => {
                if history.iter().any(|published| published.version == version) {
                    (self.history, self.fresh, self.made, self.counts.pauses) = (history, true, Some(version), 0);
                    return self.decide();
                }
                match self.counts.pauses {
                    MOST_PAUSES => failed(self.never_appeared(version, &content), true),
                    _ => self.pause(Some((version, content))),
                }
            }
            (State::Pausing { awaited: Some((version, content)) }, Some(Answer::Done)) => {
                self.call(State::Awaiting { version, content }, Call::History)
            }
            (State::Pausing { awaited: None }, Some(Answer::Done)) => self.call(State::Reading, Call::History),
            (State::Labelling { version, labels }, Some(Answer::Done)) => {
                self.counts.pauses = 0;
                self.relabel(Some(version), &labels);
                self.decide()
            }
            // Not every host of Parameter Store knows a version as soon as the first one does; or it was dropped.
            (State::Labelling { version, labels }, Some(Answer::Refused(Refusal::NoVersion))) => {
                match self.counts.pauses {
                    MOST_PAUSES => failed(self.unlabelled(version, &labels, "it doesn't know the version"), true),
                    _ => self.pause(None),
                }
            }
            (State::Labelling { version, labels }, Some(Answer::Refused(Refusal::Labels))) => {
                self.refused(Reason::TooManyLabels { version, labels })
            }
            (State::Labelling { version, .. }, Some(Answer::Refused(Refusal::Invalid(labels)))) => {
                failed(self.unlabelled(version, &labels, "it says that they are no labels"), false)
            }
            (State::Unlabelling { labels }, Some(Answer::Done | Answer::Refused(Refusal::NoVersion))) => {
                self.relabel(None, &labels);
                self.decide()
            }
            (State::Looking(build), Some(Answer::Image(image))) => {
                self.images.looked.insert(build, image.map_or(Known::Gone, Known::Is));
                self.decide()
            }
            (state, answer) => failed(format!("{answer:?} is no answer while {state:?}"), false),
        }
    }

    fn decide(&mut self) -> Next {
        let images = self.images.clone();
        let history = self.history.clone();
        let view = View::new(self.facts, self.settings, &images, &self.place, &history);
        let goal = match &self.goal {
            _ if self.end.is_some() => Goal::Publish { candidate: None, respect_manual: true },
            // Whoever holds it again meanwhile wants it held.
            Goal::Release { candidate } if self.counts.changes > 0 => {
                Goal::Publish { candidate: candidate.clone(), respect_manual: false }
            }
            goal => goal.clone(),
        };
        let goal = &goal;
        let mut next = decide(view, goal);
        if matches!(next, Intent::Label { reason: Reason::Unlabelled(_), .. }) && self.counts.repairs == MOST_REPAIRS {
            next = intent(view, goal);
        }
        match next {
            Intent::Put { build, content, .. } if self.counts.puts < MOST_PUTS => {
                let state = State::Putting { content: content.clone() };
                self.call(state, Call::Put { build, content })
            }
            Intent::Put { .. } => self.unsettled(),
            Intent::Label { version, labels, reason } => {
                if matches!(reason, Reason::Unlabelled(_)) {
                    self.counts.repairs += 1;
                } else if self.goal.moves(&labels) {
                    self.counts.moves += 1;
                }
                match self.goal {
                    Goal::Promote { by: By::AtOnce | By::Soak, .. } if self.counts.moves > MOST_MOVES_BY_RULE => {
                        return self.end(Outcome::skipped("others keep moving the channel"));
                    }
                    _ if self.counts.moves > MOST_MOVES => return self.unsettled(),
                    _ => {}
                }
                let state = State::Labelling { version, labels: labels.clone() };
                self.call(state, Call::Label { version, labels })
            }
            Intent::Unlabel { .. } if matches!(goal, Goal::ReleaseChannel { .. }) && self.counts.changes > 0 => {
                self.end(Outcome::skipped("somebody else holds the channel again"))
            }
            Intent::Unlabel { version, labels, .. } => {
                let state = State::Unlabelling { labels: labels.clone() };
                self.call(state, Call::Unlabel { version, labels })
            }
            Intent::Look { build, .. } => self.call(State::Looking(build.clone()), Call::Look(build)),
            Intent::Reached { .. } | Intent::Left(_) if !self.fresh => self.call(State::Reading, Call::History),
            Intent::Reached { version, .. } => self.end(Outcome::Done(Made::Version { parameter_version: version })),
            Intent::Left(reason) => {
                let outcome = self.left(&reason);
                self.end(outcome)
            }
            Intent::Stuck(reason) => {
                let error = format!("{} in {}: {reason}", self.parameter(), self.place);
                self.end(Outcome::Failed { error, retryable: false })
            }
        }
    }

    /// What became of it if something stands against it now.
    fn left(&self, reason: &Reason) -> Outcome<Made> {
        let last = self.history.last();
        let version = last.map(|last| Made::Version { parameter_version: last.version });
        let as_planned = || last.is_some_and(|last| Some(last.version) == self.made && last.build == self.target);
        match (&self.goal, version) {
            (Goal::Publish { .. }, Some(version)) if as_planned() => Outcome::Done(version),
            (Goal::Release { .. }, _) if matches!(reason, Reason::Held { .. }) => Outcome::skipped(reason.to_string()),
            (Goal::Release { .. }, Some(version)) if self.counts.changes > 0 => Outcome::Done(version),
            (Goal::MakeRoom, _) => {
                let mut versions = self.history.iter().rev();
                let renewed = versions.find(|published| published.build.is_some() && published.build == self.target);
                renewed.map_or(Outcome::SKIPPED, |renewed| {
                    Outcome::Done(Made::Version { parameter_version: renewed.version })
                })
            }
            (Goal::ReleaseChannel { .. }, _) if self.counts.changes > 0 => Outcome::Done(Made::Nothing {}),
            _ => Outcome::skipped(reason.to_string()),
        }
    }

    /// Ends, after the newest build stands last again if another one had to be written to keep its labels.
    fn end(&mut self, outcome: Outcome<Made>) -> Next {
        let writes_newest = matches!(self.goal, Goal::Publish { .. } | Goal::Hold(_) | Goal::Release { .. });
        match self.end.take() {
            Some(_) if outcome.is_failure() => Next::Done(outcome),
            Some(end) => Next::Done(end),
            None if self.counts.puts > 0 && !writes_newest => {
                self.end = Some(outcome);
                self.decide()
            }
            None => Next::Done(outcome),
        }
    }

    fn call(&mut self, state: State, call: Call) -> Next {
        self.state = state;
        Next::Call(call)
    }

    fn pause(&mut self, awaited: Option<(i64, Content)>) -> Next {
        let before = self.counts.pauses;
        self.counts.pauses += 1;
        self.call(State::Pausing { awaited }, Call::Pause { before })
    }

    /// Reads again what Parameter Store refused to change: somebody else was there in between.
    fn refused(&mut self, reason: Reason) -> Next {
        self.counts.refusals += 1;
        match self.counts.refusals <= MOST_REFUSALS {
            true => self.call(State::Reading, Call::History),
            false => failed(format!("{} in {}: {reason}", self.parameter(), self.place), false),
        }
    }

    /// Notes where labels are now: on a version, or nowhere.
    fn relabel(&mut self, version: Option<i64>, labels: &[String]) {
        for published in &mut self.history {
            let here = Some(published.version) == version;
            for label in labels {
                if here {
                    published.labels.insert(label.clone());
                } else {
                    published.labels.remove(label);
                }
            }
        }
        self.counts.changes += 1;
        self.fresh &= labels.iter().all(|label| is_bookkeeping(label));
    }

    fn unsettled(&self) -> Next {
        let error = format!("{} in {} doesn't settle: others keep changing it", self.parameter(), self.place);
        failed(error, true)
    }

    fn never_appeared(&self, version: i64, Content { value, data_type }: &Content) -> String {
        let (parameter, place) = (self.parameter(), &self.place);
        let why = match data_type {
            DataType::Image => format!(
                "Parameter Store doesn't accept {value} as an AMI that this account can launch in {}",
                place.region
            ),
            DataType::Text => format!("Parameter Store doesn't show {value}"),
        };
        format!("version {version} of {parameter} in {place} never appeared: {why}")
    }

    fn unlabelled(&self, version: i64, labels: &[String], why: &str) -> String {
        let labels = labels.join(", ");
        format!(
            "Parameter Store refused {labels} on version {version} of {} in {}: {why}",
            self.parameter(),
            self.place
        )
    }

    fn parameter(&self) -> String {
        self.settings.parameter(&self.facts.family.name)
    }

    fn oldest(&self) -> i64 {
        self.history.first().map_or(0, |oldest| oldest.version)
    }

    fn oldest_labels(&self) -> Vec<String> {
        self.history.first().map(|oldest| oldest.labels.iter().cloned().collect()).unwrap_or_default()
    }
}

impl Goal {
    /// Whether the goal is about one of the labels, rather than about what comes along.
    fn moves(&self, labels: &[String]) -> bool {
        let own = match self {
            Self::Promote { channel, .. } | Self::HoldChannel { channel, .. } => channel,
            Self::Hold(_) => HOLD,
            Self::Publish { .. }
            | Self::MakeRoom
            | Self::Release { .. }
            | Self::ReleaseChannel { .. }
            | Self::Remember(_) => {
                return false;
            }
        };
        labels.iter().any(|label| label == own)
    }
}

fn failed(error: String, retryable: bool) -> Next {
    Next::Done(Outcome::Failed { error, retryable })
}

fn by(facts: &Facts, settings: &Settings, channel: &str) -> By {
    let rule = settings.channels.rules().find(|(name, _)| *name == channel);
    match (&facts.cause, rule) {
        (Cause::Command(_), _) => By::Hand,
        (_, Some((_, Rule::AtOnce))) => By::AtOnce,
        (_, Some((_, Rule::Soaked { .. } | Rule::Manual)) | None) => By::Soak,
    }
}
