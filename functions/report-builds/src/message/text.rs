//! The text for e-mail.

use super::content::Content;

pub(super) fn text(content: &Content) -> String {
    let mut text = format!("{}\n", content.summary);
    let width = content.facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 1;
    if !content.facts.is_empty() {
        text.push('\n');
    }
    for (name, value) in &content.facts {
        text += &format!("{:width$} {value}\n", format!("{name}:"));
    }
    for section in &content.sections {
        text += &format!("\n{}\n", section.heading);
        for line in section.lines.iter().flat_map(|line| line.lines()) {
            text += format!("  {line}").trim_end();
            text.push('\n');
        }
    }
    if !content.links.is_empty() {
        text += "\nWhere to look\n";
    }
    for (name, url) in &content.links {
        text += &format!("  {name}: {url}\n");
    }
    text += "\nWhat to do\n";
    for (number, step) in content.next.iter().enumerate() {
        text += &format!("  {}. {}\n", number + 1, step.replace('\n', "\n     "));
    }
    text
}
