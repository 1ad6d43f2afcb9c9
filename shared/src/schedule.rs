//! Schedule expressions: AWS's six-field `cron(…)`, `rate(…)` and `at(…)`, in a time zone.
//!
//! The rules are those of EventBridge and EventBridge Scheduler, which Image Builder shares; the five-field
//! form without a year is an older one of Image Builder.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

type Time = DateTime<Utc>;

/// The last year that a cron expression can name.
const LAST_YEAR: u32 = 2199;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A schedule expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expression(Form);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Form {
    Cron(Box<Cron>),
    Rate(TimeDelta),
    At(NaiveDateTime),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cron {
    minutes: BTreeSet<u32>,
    hours: BTreeSet<u32>,
    day: Day,
    months: BTreeSet<u32>,
    years: BTreeSet<u32>,
}

/// Which days a cron expression means. Days of the week count from 1, Sunday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Day {
    Every,
    OfMonth(BTreeSet<u32>),
    LastOfMonth,
    /// The weekday nearest to a day, within its month.
    NearestWeekday(u32),
    OfWeek(BTreeSet<u32>),
    /// The last such day of the week in the month.
    LastOfWeek(u32),
    /// The n-th such day of the week in the month.
    NthOfWeek(u32, u32),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inside = |kind: &str| text.trim().strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')');
        let form = if let Some(fields) = inside("cron") {
            Form::Cron(Box::new(Cron::parse(fields)?))
        } else if let Some(rate) = inside("rate") {
            Form::Rate(parse_rate(rate)?)
        } else if let Some(at) = inside("at") {
            Form::At(
                NaiveDateTime::parse_from_str(at.trim(), "%Y-%m-%dT%H:%M:%S")
                    .map_err(|_| format!("at({at}) doesn't hold a time of the form yyyy-mm-ddThh:mm:ss"))?,
            )
        } else {
            return Err(format!("{text:?} is neither cron(…), rate(…) nor at(…)"));
        };
        Ok(Self(form))
    }

    /// Whether it is `at(…)`, which only EventBridge Scheduler takes.
    pub fn is_one_time(&self) -> bool {
        matches!(self.0, Form::At(_))
    }

    /// The first time after `after`. Rates count from `anchor`, the time at which the schedule was made.
    /// A local time that the clocks skip is taken at the next instant that exists, one that they repeat once.
    pub fn next_after(&self, after: Time, zone: Tz, anchor: Time) -> Option<Time> {
        match &self.0 {
            Form::Cron(cron) => cron.next_after(after, zone),
            Form::Rate(period) => {
                let passed = (after - anchor).num_seconds().div_euclid(period.num_seconds()).max(0);
                let seconds = period.num_seconds().checked_mul(passed.checked_add(1)?)?;
                anchor.checked_add_signed(TimeDelta::try_seconds(seconds)?)
            }
            Form::At(local) => instant(*local, zone).filter(|time| *time > after),
        }
    }
}

/// When a schedule comes due first after `after`: its expression in a time zone by its IANA name, UTC without one, and
/// the time at which it was made.
///
/// # Errors
/// What is wrong with the expression or the zone, in one sentence.
pub fn next(expression: &str, zone: Option<&str>, after: Time, anchor: Time) -> Result<Option<Time>, String> {
    let expression = Expression::parse(expression)?;
    let zone = zone.unwrap_or("UTC");
    let zone: Tz = zone.parse().map_err(|_| format!("{zone} isn't a time zone"))?;
    Ok(expression.next_after(after, zone, anchor))
}

fn parse_rate(text: &str) -> Result<TimeDelta, String> {
    let bad = || format!("rate({text}) isn't a positive whole number and minutes, hours or days");
    let (count, unit) = text.trim().split_once(' ').ok_or_else(bad)?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0).ok_or_else(bad)?;
    let unit = unit.trim();
    let minutes = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => 1,
        "hour" => 60,
        "day" => 24 * 60,
        _ => return Err(bad()),
    };
    if (count == 1) == unit.ends_with('s') {
        let form = if count == 1 { "singular" } else { "plural" };
        return Err(format!("rate({text}) needs its unit in the {form}"));
    }
    TimeDelta::try_minutes(i64::from(count) * minutes).ok_or_else(bad)
}

impl Cron {
    fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (minutes, hours, of_month, month, of_week, year) = match fields[..] {
            [minutes, hours, of_month, month, of_week, year] => (minutes, hours, of_month, month, of_week, year),
            [minutes, hours, of_month, month, of_week] => (minutes, hours, of_month, month, of_week, "*"),
            _ => return Err(format!("cron({text}) has {} fields instead of 6", fields.len())),
        };
        Ok(Self {
            minutes: MINUTES.values(minutes)?,
            hours: HOURS.values(hours)?,
            day: parse_day(of_month, of_week, fields.len() == 5)?,
            months: MONTH.values(month)?,
            years: YEAR.values(year)?,
        })
    }

    fn next_after(&self, after: Time, zone: Tz) -> Option<Time> {
        // From local times to instants the order holds, so nothing before this one can come after `after`.
        let from = after.with_timezone(&zone).naive_local();
        let mut date = from.date();
        while date.year().cast_unsigned() <= LAST_YEAR {
            self.years.range(date.year().cast_unsigned()..).next()?;
            if self.takes(date) {
                let found = self
                    .times()
                    .map(|time| date.and_time(time))
                    .filter(|local| *local >= from - TimeDelta::minutes(1))
                    .find_map(|local| instant(local, zone).filter(|time| *time > after));
                if found.is_some() {
                    return found;
                }
            }
            date = date.checked_add_days(Days::new(1))?;
        }
        None
    }

    fn times(&self) -> impl Iterator<Item = NaiveTime> {
        let minutes = &self.minutes;
        self.hours
            .iter()
            .flat_map(move |hour| minutes.iter().filter_map(move |minute| NaiveTime::from_hms_opt(*hour, *minute, 0)))
    }

    fn takes(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().number_from_sunday();
        let last = days_in_month(date);
        self.years.contains(&date.year().cast_unsigned())
            && self.months.contains(&date.month())
            && match &self.day {
                Day::Every => true,
                Day::OfMonth(days) => days.contains(&date.day()),
                Day::LastOfMonth => date.day() == last,
                Day::NearestWeekday(day) => nearest_weekday(date, *day) == Some(date),
                Day::OfWeek(days) => days.contains(&weekday),
                Day::LastOfWeek(day) => weekday == *day && date.day() + 7 > last,
                Day::NthOfWeek(day, nth) => weekday == *day && date.day().div_ceil(7) == *nth,
            }
    }
}

fn days_in_month(date: NaiveDate) -> u32 {
    (28..=31).rev().find(|day| date.with_day(*day).is_some()).unwrap_or(28)
}

/// The Monday-to-Friday day that is nearest to a day of the month of `date`, without leaving the month.
fn nearest_weekday(date: NaiveDate, day: u32) -> Option<NaiveDate> {
    let target = date.with_day(day)?;
    let shift = match target.weekday() {
        Weekday::Sat if day == 1 => 2,
        Weekday::Sat => -1,
        Weekday::Sun if day == days_in_month(date) => -2,
        Weekday::Sun => 1,
        _ => 0,
    };
    target.checked_add_signed(TimeDelta::days(shift))
}

/// The instant of a local time: the next one that exists if the clocks skip it, the first of two.
fn instant(local: NaiveDateTime, zone: Tz) -> Option<Time> {
    // The longest gap so far was a whole day, when Samoa crossed the date line.
    (0..=24 * 60).find_map(|minutes| match zone.from_local_datetime(&(local + TimeDelta::minutes(minutes))) {
        LocalResult::Single(time) => Some(time.with_timezone(&Utc)),
        LocalResult::Ambiguous(first, _) => Some(first.with_timezone(&Utc)),
        LocalResult::None => None,
    })
}

/// One field's name, bounds and the words for its numbers.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    words: &'static [&'static str],
}

const MINUTES: Field = Field { name: "minutes", low: 0, high: 59, words: &[] };
const HOURS: Field = Field { name: "hours", low: 0, high: 23, words: &[] };
const DAY_OF_MONTH: Field = Field { name: "day-of-month", low: 1, high: 31, words: &[] };
const MONTH: Field = Field { name: "month", low: 1, high: 12, words: &MONTHS };
const DAY_OF_WEEK: Field = Field { name: "day-of-week", low: 1, high: 7, words: &DAYS };
const YEAR: Field = Field { name: "year", low: 1970, high: LAST_YEAR, words: &[] };

impl Field {
    fn bad(&self, text: &str) -> String {
        format!("{text:?} isn't valid in the {} field of a cron expression", self.name)
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let word = self.words.iter().zip(self.low..).find(|(word, _)| word.eq_ignore_ascii_case(text));
        word.map(|(_, number)| number)
            .or_else(|| text.parse().ok())
            .filter(|value| (self.low..=self.high).contains(value))
            .ok_or_else(|| self.bad(text))
    }

    /// A list of values, ranges, and steps through a range or from a value.
    fn values(&self, text: &str) -> Result<BTreeSet<u32>, String> {
        let mut values = BTreeSet::new();
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (item, None),
            };
            let step = match step {
                Some(step) => Some(step.parse::<u32>().ok().filter(|step| *step > 0).ok_or_else(|| self.bad(item))?),
                None => None,
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (self.low, self.high),
                Some((first, last)) => (self.value(first)?, self.value(last)?),
                None => {
                    let first = self.value(range)?;
                    (first, if step.is_some() { self.high } else { first })
                }
            };
            if first > last {
                return Err(format!("{item:?} in the {} field of a cron expression runs backwards", self.name));
            }
            values.extend((first..=last).step_by(step.unwrap_or(1) as usize));
        }
        Ok(values)
    }
}

/// The two day fields. One of them has to be `?`; the old form of five fields has `*` instead.
fn parse_day(of_month: &str, of_week: &str, old: bool) -> Result<Day, String> {
    let open = |field: &str| field == "?" || (old && field == "*");
    match (open(of_month), open(of_week)) {
        (true, true) if !old || (of_month, of_week) == ("?", "?") => {
            Err("only one of day-of-month and day-of-week can be ? in a cron expression".to_owned())
        }
        (true, true) => Ok(Day::Every),
        (false, true) => parse_day_of_month(of_month),
        (true, false) => parse_day_of_week(of_week),
        (false, false) => Err("one of day-of-month and day-of-week must be ? in a cron expression".to_owned()),
    }
}

fn parse_day_of_month(text: &str) -> Result<Day, String> {
    let upper = text.to_ascii_uppercase();
    match upper.strip_suffix('W') {
        _ if text == "*" => Ok(Day::Every),
        _ if upper == "L" => Ok(Day::LastOfMonth),
        Some(day) => Ok(Day::NearestWeekday(DAY_OF_MONTH.value(day)?)),
        None => Ok(Day::OfMonth(DAY_OF_MONTH.values(text)?)),
    }
}

fn parse_day_of_week(text: &str) -> Result<Day, String> {
    if text == "*" {
        return Ok(Day::Every);
    }
    if text.eq_ignore_ascii_case("L") {
        return Ok(Day::OfWeek(BTreeSet::from([DAY_OF_WEEK.high])));
    }
    if let Some((day, nth)) = text.split_once('#') {
        let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(|| DAY_OF_WEEK.bad(text))?;
        return Ok(Day::NthOfWeek(DAY_OF_WEEK.value(day)?, nth));
    }
    match text.strip_suffix(['L', 'l']) {
        Some(day) => Ok(Day::LastOfWeek(DAY_OF_WEEK.value(day)?)),
        None => Ok(Day::OfWeek(DAY_OF_WEEK.values(text)?)),
    }
}

#[cfg(test)]
mod tests;
