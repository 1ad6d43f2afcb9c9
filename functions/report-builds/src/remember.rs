//! What was told about one kind of trouble of one pipeline, image or queue, as the value of a tag.
//!
//! A cause is told once within `RepeatAfter`; further occurrences are counted. When it is over, that is told once, if
//! the trouble was. Occurrences are told apart by their marks, which only go forward, so a repeated or late event
//! changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use shared::token::client_token;
use std::fmt;

/// How many causes of one kind are remembered: an entry takes at most 43 characters of the 256 that a tag's value has.
const MOST: usize = 5;

/// What was told about one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    entries: Vec<Entry>,
}

/// What was told about one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Whether what was told last is that it is there, not that it is over.
    open: bool,
    /// Eight hexadecimal digits that stand for the cause.
    key: String,
    /// Since when it is there.
    first: DateTime<Utc>,
    /// When it was told last.
    sent: DateTime<Utc>,
    /// The last occurrence that was counted.
    last: DateTime<Utc>,
    /// How many occurrences there were.
    total: u32,
    /// How many of them since it was told.
    untold: u32,
}

/// What is the case now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Case<'a> {
    /// There is trouble.
    Wrong {
        /// What stands for its cause.
        key: &'a str,
        /// Which occurrence it is: a build's time, or the event's for what lasts.
        mark: DateTime<Utc>,
        /// Since when it is there.
        since: DateTime<Utc>,
    },
    /// There is none.
    Fine {
        /// What shows it: a build's time, or the event's for what lasts. Trouble with a later mark isn't over.
        mark: DateTime<Utc>,
    },
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Nothing.
    Nothing,
    /// The trouble.
    Trouble(Times),
    /// That it is over.
    Over(Times),
}

/// How often a cause occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Since when.
    pub since: DateTime<Utc>,
    /// How often in all.
    pub total: u32,
    /// How many of these weren't told, this one not counted.
    pub untold: u32,
}

/// What stands for a cause: the same for the same parts.
pub fn key(parts: &[&str]) -> String {
    client_token(parts)[..8].to_owned()
}

impl Memory {
    /// From a tag's value. What isn't an entry, because somebody wrote something else, is as if it were never told.
    pub fn read(value: &str) -> Self {
        Self { entries: value.split(' ').filter_map(Entry::read).collect() }
    }

    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is to be told of a case, and what is remembered then.
    pub fn after(&self, case: &Case<'_>, now: DateTime<Utc>, repeat_after: TimeDelta) -> (Self, Tell) {
        let mut memory = self.clone();
        let tell = match case {
            Case::Wrong { key, mark, since } => memory.wrong(key, seconds(*mark), seconds(*since), now, repeat_after),
            Case::Fine { mark } => memory.fine(seconds(*mark)),
        };
        // What is over is remembered as long as its repeats aren't told, and once more for events that come late.
        let current = |entry: &Entry| matches!(case, Case::Wrong { key, .. } if entry.key == *key);
        let kept = |entry: &Entry| entry.open || entry.untold > 0 || now < entry.sent + repeat_after * 2;
        memory.entries.retain(|entry| current(entry) || kept(entry));
        (memory, tell)
    }

    fn wrong(
        &mut self,
        key: &str,
        mark: DateTime<Utc>,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        repeat_after: TimeDelta,
    ) -> Tell {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) else {
            if self.entries.len() == MOST {
                let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| (entry.open, entry.sent));
                let oldest = oldest.map_or(0, |(place, _)| place);
                self.entries.remove(oldest);
            }
            let (key, sent) = (key.to_owned(), seconds(now));
            self.entries.push(Entry { open: true, key, first: since, sent, last: mark, total: 1, untold: 0 });
            return Tell::Trouble(Times { since, total: 1, untold: 0 });
        };
        if mark > entry.last {
            if !entry.open && entry.untold == 0 {
                // It was over in between, so it begins anew.
                (entry.first, entry.total) = (since, 0);
            }
            entry.last = mark;
            entry.total = (entry.total + 1).min(999);
            entry.untold = (entry.untold + 1).min(999);
        }
        if entry.untold == 0 || now < entry.sent + repeat_after {
            return Tell::Nothing;
        }
        let times = Times { since: entry.first, total: entry.total, untold: entry.untold - 1 };
        (entry.open, entry.sent, entry.untold) = (true, seconds(now), 0);
        Tell::Trouble(times)
    }

    fn fine(&mut self, mark: DateTime<Utc>) -> Tell {
        if self.entries.iter().any(|entry| (entry.open || entry.untold > 0) && entry.last > mark) {
            return Tell::Nothing;
        }
        let told = self.entries.iter().filter(|entry| entry.open);
        let since = told.clone().map(|entry| entry.first).min();
        let total = told.map(|entry| entry.total).sum();
        for entry in &mut self.entries {
            // Whoever wasn't told of the trouble needn't be told that it is over.
            (entry.open, entry.untold) = (false, 0);
        }
        since.map_or(Tell::Nothing, |since| Tell::Over(Times { since, total, untold: 0 }))
    }
}

/// Memory counts in seconds.
fn seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

impl Entry {
    fn read(text: &str) -> Option<Self> {
        let (state, rest) = text.split_at_checked(1)?;
        let open = match state {
            "o" => true,
            "c" => false,
            _ => return None,
        };
        let [key, first, sent, last, total, untold] = rest.split('.').collect::<Vec<_>>()[..] else { return None };
        let time = |text: &str| DateTime::from_timestamp(i64::from(u32::from_str_radix(text, 16).ok()?), 0);
        let count = |text: &str| text.parse().ok().filter(|count| *count <= 999);
        let legal = key.len() == 8 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        let entry = Self {
            open,
            key: key.to_owned(),
            first: time(first)?,
            sent: time(sent)?,
            last: time(last)?,
            total: count(total)?,
            untold: count(untold)?,
        };
        legal.then_some(entry)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<_> = self.entries.iter().map(ToString::to_string).collect();
        f.write_str(&entries.join(" "))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { open, key, first, sent, last, total, untold } = self;
        let state = if *open { 'o' } else { 'c' };
        let [first, sent, last] = [first, sent, last].map(|time| time.timestamp().clamp(0, i64::from(u32::MAX)));
        write!(f, "{state}{key}.{first:x}.{sent:x}.{last:x}.{total}.{untold}")
    }
}

#[cfg(test)]
mod tests;
