//! The plan as people read it, in a message of plain text.

use crate::plan::{Action, Decision, FollowUp, Odd, Plan, Trip};
use shared::arn::ImageBuildArn;
use shared::plan::Outcome;
use std::fmt::{self, Write};

/// So many images are named.
const NAMED: usize = 20;

/// A plan, and whether it is or was carried out.
#[derive(Debug)]
pub struct Report<'a> {
    /// The plan, with its outcomes if it was carried out.
    pub plan: &'a Plan,
    /// Why nothing was changed; none if the plan was carried out.
    pub only_planned: Option<&'a str>,
}

impl Report<'_> {
    /// Whether there is anything that a person should hear of.
    pub fn is_worth_sending(&self) -> bool {
        let Plan { decisions, skipped, unreached, follow_ups, counts, .. } = self.plan;
        decisions.iter().any(|it| it.step.action != Action::Keep)
            || !skipped.is_empty()
            || !unreached.is_empty()
            || !follow_ups.is_empty()
            || counts.odd > 0
    }

    /// One line of at most 100 ASCII characters, as SNS wants subjects.
    pub fn subject(&self) -> String {
        let Plan { held_back, .. } = self.plan;
        let failed = self.acting().filter(|it| it.step.outcome.is_failure()).count();
        match (held_back.is_empty(), failed, self.only_planned) {
            (false, ..) => "Image retirement: held back by the circuit breaker".to_owned(),
            (true, 0, None) => format!("Image retirement: {}", self.actions()),
            (true, 0, Some(_)) => format!("Image retirement, planned: {}", self.actions()),
            (true, failed, _) => format!("Image retirement: {failed} of {} steps failed", self.acting().count()),
        }
    }

    /// How many images of which action, those without one left out.
    fn actions(&self) -> String {
        let names = ["deprecate", "disable", "delete", "restore"];
        let counts = names.into_iter().filter_map(|name| {
            let count = self.plan.counts.actions.get(name)?;
            Some(format!("{name} {count}"))
        });
        let counts: Vec<String> = counts.collect();
        if counts.is_empty() { "nothing to change".to_owned() } else { counts.join(", ") }
    }

    fn acting(&self) -> impl Iterator<Item = &Decision> {
        self.plan.decisions.iter().filter(|it| it.step.action != Action::Keep)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { time, counts, skipped, unreached, follow_ups, odd, digest, held_back, .. } = self.plan;
        writeln!(f, "Image retirement, {} UTC", time.format("%F %R"))?;
        if let Some(why) = self.only_planned {
            writeln!(f, "Nothing was changed: {why}.")?;
        }
        writeln!(f, "\n{} images of {} families: {}.", counts.images, counts.families, self.actions())?;
        if counts.freed_gib > 0 {
            writeln!(f, "Deleting frees snapshots of volumes of {} GiB in all, at most.", counts.freed_gib)?;
        }
        if !held_back.is_empty() {
            writeln!(f, "\nNONE OF THESE IMAGES IS DISABLED OR DELETED:")?;
            held_back.iter().take(NAMED).try_for_each(|trip: &Trip| writeln!(f, "  {trip}"))?;
            if let Some(more @ 1..) = held_back.len().checked_sub(NAMED) {
                writeln!(f, "  and so for {more} more families")?;
            }
        }
        if let Some(digest) = digest.as_ref().filter(|_| !held_back.is_empty()) {
            writeln!(f, "To let exactly this plan through, invoke the function with {{\"approve\": \"{digest}\"}}")?;
        }
        if self.acting().next().is_some() {
            let all = self.acting().count();
            writeln!(f, "\nImages to change, {} of {all}:", all.min(NAMED))?;
        }
        for Decision { image, step, .. } in self.acting().take(NAMED) {
            let reason = step.reason.first().map(ToString::to_string).unwrap_or_default();
            let outcome = match &step.outcome {
                Outcome::Failed { error, .. } => format!(" FAILED: {error}"),
                Outcome::Skipped { because: Some(because) } if held_back.is_empty() => format!(" Left: {because}"),
                Outcome::Planned | Outcome::Done(_) | Outcome::Skipped { .. } => String::new(),
            };
            writeln!(f, "  {} {}: {reason}.{outcome}", step.action.name(), name(image))?;
        }
        writeln!(f, "\nImages by reason:")?;
        let mut reasons: Vec<_> = counts.reasons.iter().collect();
        reasons.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        reasons.into_iter().try_for_each(|(reason, count)| writeln!(f, "  {count:>6} {reason}"))?;
        list(
            f,
            "Please look at",
            odd.len(),
            counts.odd,
            odd.iter().map(|Odd { image, reason }| format!("{}: {reason}", name(image))),
        )?;
        list(
            f,
            "Earlier steps that weren't done in whole",
            follow_ups.len().min(NAMED),
            counts.follow_ups,
            follow_ups.iter().map(follow_up),
        )?;
        let families = skipped.iter().map(|(family, why)| format!("{family}: {}", why.join("; ")));
        list(f, "Families that were skipped", skipped.len().min(NAMED), skipped.len(), families)?;
        list(
            f,
            "Families that weren't got to in time",
            unreached.len().min(NAMED),
            unreached.len(),
            unreached.iter().cloned(),
        )
    }
}

/// A heading with its lines, unless there are none.
fn list(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    shown: usize,
    all: usize,
    lines: impl Iterator<Item = String>,
) -> fmt::Result {
    if shown == 0 {
        return Ok(());
    }
    writeln!(f, "\n{heading}, {shown} of {all}:")?;
    lines.take(shown).try_for_each(|line| writeln!(f, "  {line}"))
}

fn follow_up(FollowUp { image, execution }: &FollowUp) -> String {
    let mut text = format!("{}: {} is {}", name(image), execution.id, execution.status);
    if let Some(reason) = &execution.reason {
        let _ = write!(text, ": {reason}");
    }
    for resource in execution.resources.iter().filter(|it| it.is_odd()) {
        let why = resource.reason.as_deref().unwrap_or("no reason was given");
        let _ = write!(text, "; {} {}: {why}", resource.id, resource.status);
    }
    text
}

fn name(image: &ImageBuildArn) -> String {
    format!("{} {}/{}", image.family, image.version, image.build)
}

#[cfg(test)]
mod tests;
