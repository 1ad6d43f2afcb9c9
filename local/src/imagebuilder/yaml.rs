//! YAML with the line of every node, as the documents of components and workflows are written. JSON is YAML too.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How many nodes a document may have when every alias is written out.
const MOST_NODES: usize = 50_000;

/// How deep a document may nest.
const DEEPEST: usize = 100;

/// The document as it stands; of several, the first.
///
/// # Errors
/// What is no YAML and in which line, in words.
pub(super) fn read(text: &str) -> Result<Node, String> {
    Reader { events: Parser::new_from_str(text), anchors: BTreeMap::new(), depth: 0, nodes: 0 }.read()
}

/// A node of the document with its line.
#[derive(Debug, Clone)]
pub(super) struct Node {
    line: usize,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    /// A scalar; plain is what stands without quotes, so that `true` is no text.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// What is wrong with this node, with its line.
    pub(super) fn fault(&self, message: &str) -> String {
        format!("Line {}: {message}", self.line)
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The node under a key of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Mapping(entries) => {
                entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// The `name` of a mapping.
    pub(super) fn name(&self, what: &str) -> Result<&str, String> {
        self.mapping(what)?;
        let name = self.get("name").and_then(Self::text).filter(|name| !name.is_empty());
        name.ok_or_else(|| self.fault(&format!("{what} has no name.")))
    }

    /// The items of a list.
    pub(super) fn items(&self, what: &str) -> Result<&[Self], String> {
        match &self.content {
            Content::List(items) => Ok(items),
            _ => Err(self.fault(&format!("{what} must be a list."))),
        }
    }

    /// The items of the list under a key; none where there is no list.
    pub(super) fn list(&self, key: &str) -> &[Self] {
        match self.get(key).map(|node| &node.content) {
            Some(Content::List(items)) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping.
    pub(super) fn mapping(&self, what: &str) -> Result<&[(Self, Self)], String> {
        match &self.content {
            Content::Mapping(entries) => Ok(entries),
            _ => Err(self.fault(&format!("{what} must be a mapping."))),
        }
    }

    /// The value that is meant: a plain scalar is null, a boolean or a number if it reads as one.
    pub(super) fn value(&self) -> Value {
        match &self.content {
            Content::Scalar { text, plain: true } => meant(text),
            Content::Scalar { text, plain: false } => text.as_str().into(),
            Content::List(items) => items.iter().map(Self::value).collect(),
            Content::Mapping(entries) => {
                let name = |key: &Self| key.text().unwrap_or_default().to_owned();
                Value::Object(entries.iter().map(|(key, node)| (name(key), node.value())).collect::<Map<_, _>>())
            }
        }
    }

    /// All scalars in this node that are no keys.
    pub(super) fn scalars(&self) -> Vec<&Self> {
        match &self.content {
            Content::Scalar { .. } => vec![self],
            Content::List(items) => items.iter().flat_map(Self::scalars).collect(),
            Content::Mapping(entries) => entries.iter().flat_map(|(_, node)| node.scalars()).collect(),
        }
    }

    fn count(&self) -> usize {
        1 + match &self.content {
            Content::Scalar { .. } => 0,
            Content::List(items) => items.iter().map(Self::count).sum(),
            Content::Mapping(entries) => entries.iter().map(|(key, node)| key.count() + node.count()).sum(),
        }
    }
}

/// What a plain scalar means by YAML's core schema, as far as JSON has it.
fn meant(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    let unsigned = text.trim_start_matches(['-', '+']);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return text.into();
    }
    let float = || text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number);
    text.parse::<i64>().map(Value::from).ok().or_else(float).unwrap_or_else(|| text.into())
}

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    depth: usize,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), String> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(format!("Line {}: {}", error.marker().line(), error.info())),
            None => Err("The document ends too early.".to_owned()),
        }
    }

    fn read(&mut self) -> Result<Node, String> {
        loop {
            match self.next()? {
                (Event::Nothing | Event::StreamStart | Event::DocumentStart(_), _) => {}
                (event, line) => {
                    let root = self.node(event, line)?;
                    // What follows has to be YAML too, though a second document means nothing.
                    while !matches!(self.next()?.0, Event::StreamEnd) {}
                    return Ok(root);
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize) -> Result<Node, String> {
        self.depth += 1;
        self.nodes += 1;
        if self.depth > DEEPEST || self.nodes > MOST_NODES {
            return Err(format!("Line {line}: the document is too large."));
        }
        let (content, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                (Content::Scalar { text: text.into_owned(), plain }, anchor)
            }
            Event::Alias(anchor) => {
                let aliased =
                    self.anchors.get(&anchor).ok_or_else(|| format!("Line {line}: the alias has no anchor."))?;
                // Aliases of aliases grow without limit.
                self.nodes += aliased.count();
                self.depth -= 1;
                return Ok(aliased.clone());
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, line) => items.push(self.node(event, line)?),
                    }
                }
                (Content::List(items), anchor)
            }
            Event::MappingStart(anchor, _) => {
                let mut entries = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => break,
                        (event, line) => {
                            let key = self.node(event, line)?;
                            let (event, line) = self.next()?;
                            entries.push((key, self.node(event, line)?));
                        }
                    }
                }
                (Content::Mapping(entries), anchor)
            }
            _ => return Err(format!("Line {line}: the document is empty.")),
        };
        self.depth -= 1;
        let node = Node { line, content };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_are_what_they_mean() {
        let text = "{a: true, b: 'true', c: 5, d: -1.5, e: 1.2.3, f: ~, g: [x, \"1\"], h: i-1, i: !!str 7, j: &k {l: 0x1}, m: *k}";
        let expected = json!({
            "a": true, "b": "true", "c": 5, "d": -1.5, "e": "1.2.3", "f": null, "g": ["x", "1"], "h": "i-1", "i": "7",
            "j": {"l": "0x1"}, "m": {"l": "0x1"},
        });
        assert_eq!(read(text).unwrap().value(), expected);
    }

    #[test]
    fn what_would_grow_without_limit_is_refused() {
        let deep = "- ".repeat(5000);
        let levels = (1..30).map(|level| format!("- &a{level} [*a{}, *a{}]\n", level - 1, level - 1));
        let bomb = "- &a0 [x, x]\n".to_owned() + &levels.collect::<String>();
        for text in [deep, bomb] {
            assert!(read(&text).unwrap_err().ends_with("the document is too large."));
        }
        assert!(read("- &a [x]\n- [*a, *a]\n").is_ok());
    }
}
