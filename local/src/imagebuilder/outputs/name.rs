//! The names that a distribution configuration gives as templates.

use crate::clock::Time;
use crate::imagebuilder::store::Resource;
use crate::world::World;

/// What the templates of an image's distribution can refer to.
pub(super) struct Values {
    /// The build's date as it stands in names.
    pub(super) stamp: String,
    build: String,
}

impl Values {
    /// The build's date, `2026-03-02T00-12-08.103Z`, is half a minute at most after the build was asked for.
    pub(super) fn of(world: &World, image: &Resource) -> Self {
        let at: Time = image.created + world.span_millis(&["build date", &image.arn], 0, 36_000);
        let stamp = at.format("%Y-%m-%dT%H-%M-%S%.3fZ").to_string();
        Self { stamp, build: image.build.unwrap_or_default().to_string() }
    }

    /// Replaces `{{ name }}`, with or without the spaces; what it doesn't know stays.
    pub(super) fn render(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, inside, after)) = rest
            .split_once("{{")
            .and_then(|(before, tail)| tail.split_once("}}").map(|(name, after)| (before, name, after)))
        {
            text.push_str(before);
            match inside.trim() {
                "imagebuilder:buildDate" => text.push_str(&self.stamp),
                "imagebuilder:buildVersion" => text.push_str(&self.build),
                _ => text.push_str(&["{{", inside, "}}"].concat()),
            }
            rest = after;
        }
        text + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_in() {
        let values = Values { stamp: "D".to_owned(), build: "3".to_owned() };
        for (template, text) in [
            ("web {{ imagebuilder:buildDate }}", "web D"),
            ("{{imagebuilder:buildVersion}}-{{imagebuilder:buildDate}}!", "3-D!"),
            ("{{ssm:x}} {{ imagebuilder:buildDate", "{{ssm:x}} {{ imagebuilder:buildDate"),
            ("plain", "plain"),
        ] {
            assert_eq!(values.render(template), text);
        }
    }
}
