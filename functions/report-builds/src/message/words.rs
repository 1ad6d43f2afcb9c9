//! Small things in words.

use chrono::{DateTime, TimeDelta, Utc};
use shared::arn::ImageBuildArn;
pub(super) use shared::arn::short;

/// `web-server 2.0.1/4`.
pub(super) fn image(arn: &ImageBuildArn) -> String {
    format!("{} {}/{}", arn.family, arn.version, arn.build)
}

/// To the minute, in UTC.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// In its largest unit: `3 days`.
pub(super) fn span(span: TimeDelta) -> String {
    match (span.num_days(), span.num_hours(), span.num_minutes()) {
        (days @ 2.., _, _) => format!("{days} days"),
        (_, hours @ 2.., _) => format!("{hours} hours"),
        (_, _, 1) => "1 minute".to_owned(),
        (_, _, minutes) => format!("{} minutes", minutes.max(0)),
    }
}

/// `1 step`, `2 steps`.
pub(super) fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// `a, b and c`.
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// At most so many characters; what is left out is said.
pub(super) fn cut(text: &str, most: usize) -> String {
    let left = text.chars().count().saturating_sub(most);
    if left == 0 {
        return text.to_owned();
    }
    format!("{} ... ({left} more characters)", text.chars().take(most).collect::<String>())
}

/// What a service or a command said: its beginning, which says what it was about, and its end, which says how it ended.
pub(super) fn quoted(text: &str) -> String {
    let text = text.trim();
    let count = text.chars().count();
    if count <= 1200 {
        return text.to_owned();
    }
    let head: String = text.chars().take(300).collect();
    let tail: String = text.chars().skip(count - 800).collect();
    format!("{head}\n... ({} characters left out)\n{tail}", count - 1100)
}

/// The first of many, and how many there are besides.
pub(super) fn first(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        let left = lines.len() - most;
        lines.truncate(most);
        lines.push(format!("and {left} more"));
    }
    lines
}

/// Columns of equal width, but for the last. No cell is so long that the others drown in blanks.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| std::array::from_fn(|column| cut(&row[column].replace('\n', " "), 400))).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let line = |row: &[String; N]| {
        let cells =
            row.iter().zip(widths).filter(|(_, width)| *width > 0).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
