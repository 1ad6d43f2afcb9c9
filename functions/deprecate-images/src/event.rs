//! The events that the function takes: its schedule, and commands by hand.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

/// What a run is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// The event's own time; none for a command by hand that names none.
    pub time: Option<DateTime<Utc>>,
    /// Names of families, `*` standing for any characters: only those that fit one of them. All if there are none.
    pub families: Vec<String>,
    /// The family to begin at, as the answer of a run that stopped early says.
    pub from: Option<String>,
    /// Whether the plan is all that is wanted.
    pub dry_run: bool,
    /// The digest of a plan that may pass the circuit breaker.
    pub approve: Option<String>,
}

/// An event that can't be followed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the event can't be followed: {problem}: expected a JSON object, such as {{\"dryRun\": true}}, {{\"approve\": \
     \"<digest of a plan>\"}} or {{\"retire\": {{\"select\": {{\"families\": [\"web-*\"]}}}}}}"
)]
pub struct BadEvent {
    /// The member, and what is wrong with it.
    problem: String,
}

/// A schedule's document, or a command's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    time: Option<DateTime<Utc>>,
    retire: Option<Retire>,
    #[serde(default)]
    dry_run: bool,
    approve: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retire {
    select: Option<Select>,
    from: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Select {
    families: Vec<String>,
}

/// An event of EventBridge, from a rule's schedule.
#[derive(Deserialize)]
struct Bus {
    time: DateTime<Utc>,
}

impl Command {
    /// What an event says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(event: &Value) -> Result<Self, BadEvent> {
        let bad = |problem: String| BadEvent { problem };
        match event.get("detail-type").map(Value::as_str) {
            None => {}
            Some(Some("Scheduled Event")) => {
                let Bus { time } = Bus::deserialize(event).map_err(|error| bad(error.to_string()))?;
                return Ok(Self { time: Some(time), ..Self::default() });
            }
            Some(_) => return Err(bad("the event's detail-type isn't \"Scheduled Event\"".to_owned())),
        }
        let Document { time, retire, dry_run, approve } =
            Document::deserialize(event).map_err(|error| bad(error.to_string()))?;
        let is_digest = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(approve) = approve.as_ref().filter(|approve| !is_digest(approve)) {
            return Err(bad(format!("approve is {approve:?}, not the 64 hexadecimal digits of a plan's digest")));
        }
        let Retire { select, from } = retire.unwrap_or_default();
        let families = select.map(|select| select.families);
        if families.as_ref().is_some_and(|families| families.iter().all(String::is_empty)) {
            return Err(bad("retire.select.families names no family".to_owned()));
        }
        Ok(Self { time, families: families.unwrap_or_default(), from, dry_run, approve })
    }

    /// Whether the run is about all families, wherever it begins by itself.
    pub fn is_whole(&self) -> bool {
        self.families.is_empty() && self.from.is_none()
    }

    /// Whether the run is about a family.
    pub fn includes(&self, family: &str) -> bool {
        self.families.is_empty() || self.families.iter().any(|pattern| shared::pattern::fits(pattern, family))
    }
}

#[cfg(test)]
mod tests;
