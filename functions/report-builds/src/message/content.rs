//! What a report holds before it has a form, and how much of it fits a message.

use super::words::{cut, first};

/// How many bytes the lines of all sections may have. SNS takes 256 KiB for all forms of a message together, in which
/// quotes and line breaks count twice; chat has a limit of its own.
const MOST: usize = 64 * 1024;

/// A report.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// Of whom, and what: one line.
    pub(crate) title: String,
    /// What happened, in a sentence or two.
    pub(crate) summary: String,
    /// Who and where: names and values.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What else there is to know.
    pub(crate) sections: Vec<Section>,
    /// Where to look: names and addresses.
    pub(crate) links: Vec<(&'static str, String)>,
    /// What to do, in this order. Never empty.
    pub(crate) next: Vec<String>,
    /// The ARNs that it is about.
    pub(crate) resources: Vec<String>,
}

/// A heading with lines below it.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) lines: Vec<String>,
}

impl Content {
    /// Adds a section that has lines.
    pub(crate) fn section(&mut self, heading: impl Into<String>, lines: Vec<String>) {
        if !lines.is_empty() {
            self.sections.push(Section { heading: heading.into(), lines });
        }
    }

    /// Cuts what is too long for a message, and says so there. What to do is never cut short of a whole step.
    pub(super) fn fit(&mut self) {
        let plain = |text: &str, most| cut(&text.replace(|c: char| c.is_control() && c != '\n', " "), most);
        self.title = plain(&self.title, 300);
        self.summary = plain(&self.summary, 2000);
        for (_, value) in &mut self.facts {
            *value = plain(value, 600);
        }
        let mut room = MOST;
        for section in &mut self.sections {
            section.heading = plain(&section.heading, 300);
            for line in &mut section.lines {
                *line = plain(line, 2000);
            }
            let fits = section.lines.iter().take_while(|line| {
                let fits = line.len() < room;
                room = room.saturating_sub(line.len() + 1);
                fits
            });
            let fits = fits.count();
            section.lines = first(std::mem::take(&mut section.lines), fits);
        }
        self.links.truncate(20);
        self.resources.truncate(20);
        for step in &mut self.next {
            *step = plain(step, 3000);
        }
        self.next = first(std::mem::take(&mut self.next), 25);
    }

    /// Adds a link that the partition has.
    pub(crate) fn link(&mut self, name: &'static str, url: Option<String>) {
        self.links.extend(url.map(|url| (name, url)));
    }
}
