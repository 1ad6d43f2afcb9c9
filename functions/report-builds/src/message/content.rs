//! What a report holds before it has a form.

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

    /// Adds a link that the partition has.
    pub(crate) fn link(&mut self, name: &'static str, url: Option<String>) {
        self.links.extend(url.map(|url| (name, url)));
    }
}
