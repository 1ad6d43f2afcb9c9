//! Component documents as plain values.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The first document of a YAML text, JSON included; every scalar is a string. `None` when it isn't YAML.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new() };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            event => return reader.node(event),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, Value>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Event<'a>> {
        self.parser.next()?.ok().map(|(event, _)| event)
    }

    fn node(&mut self, event: Event<'a>) -> Option<Value> {
        let (anchor, value) = match event {
            Event::Scalar(text, _, anchor, _) => (anchor, Value::String(text.into_owned())),
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.node(event)?),
                    }
                }
                (anchor, Value::Array(items))
            }
            Event::MappingStart(anchor, _) => {
                let mut members = Map::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => break,
                        event => self.node(event)?,
                    };
                    let event = self.next()?;
                    let value = self.node(event)?;
                    members.insert(key.as_str()?.to_owned(), value);
                }
                (anchor, Value::Object(members))
            }
            Event::Alias(anchor) => return self.anchors.get(&anchor).cloned(),
            _ => return None,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn maps_lists_anchors_and_block_text_become_values() {
        let text = "a: &x [1, two]\nb: *x\nc: |\n  line\n  more\n";
        assert_eq!(parse(text), Some(json!({"a": ["1", "two"], "b": ["1", "two"], "c": "line\nmore\n"})));
    }

    #[test]
    fn what_is_no_yaml_is_none() {
        assert_eq!(parse("a: [1"), None);
        assert_eq!(parse(""), None);
    }
}
