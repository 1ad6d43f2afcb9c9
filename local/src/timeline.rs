//! The live timeline: one line an entry of the journal.

use crate::journal::{Entry, Kind};
use anstyle::{AnsiColor, Color, Style};

/// Width of the label column.
const LABEL: usize = 13;
/// Width of the subject column; longer subjects push the rest to the right.
const SUBJECT: usize = 28;

/// One line: simulated time, what happened, to what, where, in detail, at what cost. Styled; whoever
/// prints it strips the styles where they aren't wanted.
pub fn line(entry: &Entry) -> String {
    let (label, style) = label(entry);
    // An image's state is the label already.
    let detail = if entry.kind == Kind::ImageState { entry.detail.trim_start_matches(label) } else { &entry.detail };
    let mut line = format!(
        "{dim}{time}{dim:#}  {style}{label:<LABEL$}{style:#} {subject:<SUBJECT$}",
        dim = Style::new().dimmed(),
        time = entry.at.format("%a %d %b %H:%M:%S"),
        subject = entry.subject,
    );
    if let Some(region) = &entry.region {
        line.push_str(&format!(" {region:<14}"));
    }
    if !detail.is_empty() {
        line.push(' ');
        line.push_str(detail.trim_start());
    }
    if let Some(cost) = entry.cost {
        let plural = if cost.calls == 1 { "" } else { "s" };
        let dim = Style::new().dimmed();
        line.push_str(&format!(" {dim}({} AWS call{plural}, {:.0} ms){dim:#}", cost.calls, cost.millis));
    }
    line.trim_end().to_owned()
}

fn label(entry: &Entry) -> (&str, Style) {
    let coloured = |colour: AnsiColor| Style::new().fg_color(Some(Color::Ansi(colour)));
    match entry.kind {
        Kind::Deployed => ("deployed", Style::new().bold()),
        Kind::Released => ("released", coloured(AnsiColor::Magenta)),
        Kind::ScheduleFired => ("schedule", coloured(AnsiColor::Blue)),
        Kind::BuildStarted => ("build", coloured(AnsiColor::Cyan)),
        Kind::ImageState => state(entry),
        Kind::Notification => ("notification", coloured(AnsiColor::Yellow)),
        Kind::RuleMatched => ("rule", coloured(AnsiColor::Yellow)),
        Kind::Invoked => ("invoked", coloured(AnsiColor::Cyan).bold()),
        Kind::ImageChanged => ("image", Style::new()),
        Kind::Exported => ("exported", Style::new()),
        Kind::ParameterWritten => ("written", coloured(AnsiColor::Green)),
        Kind::ParameterChanged => ("parameter", Style::new()),
        Kind::ParameterValidated => ("validated", Style::new().dimmed()),
        Kind::MessagePublished => ("published", coloured(AnsiColor::Green).bold()),
        Kind::EventPut => ("event", coloured(AnsiColor::Green)),
        Kind::Fault => ("fault", coloured(AnsiColor::Red)),
        Kind::Retried => ("retry", coloured(AnsiColor::Yellow)),
        Kind::DeadLettered => ("dead letter", coloured(AnsiColor::Red).bold()),
        Kind::Warning => ("warning", coloured(AnsiColor::Yellow).bold()),
    }
}

/// An image's state is its own label: the first word of the detail.
fn state(entry: &Entry) -> (&str, Style) {
    let status = entry.detail.split_whitespace().next().unwrap_or_default();
    let style = match status {
        "AVAILABLE" => Style::new().fg_color(Some(Color::Ansi(AnsiColor::Green))).bold(),
        "FAILED" | "CANCELLED" => Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red))).bold(),
        _ => Style::new(),
    };
    (status, style)
}
