//! A template as a tree in which every value knows its line. Short-form tags are spelled out, so that
//! `!Sub x` and `Fn::Sub: x` are the same tree.

use super::error::Fault;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// CloudFormation takes templates of up to 1 MB: no honest one has more nodes, aliases spelled out.
const MAX_NODES: usize = 500_000;

/// A value and the line on which it starts, counted from 1.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A scalar; `plain` means without quotes, so that it may stand for a number, a boolean or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn text(line: usize, text: impl Into<String>) -> Self {
        Self { line, kind: Kind::Scalar { text: text.into(), plain: false } }
    }

    pub(super) fn list(line: usize, items: Vec<Node>) -> Self {
        Self { line, kind: Kind::List(items) }
    }

    /// A map whose entries all stand on one line.
    pub(super) fn map(line: usize, entries: impl IntoIterator<Item = (impl Into<String>, Node)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| Entry { key: key.into(), line, value }).collect();
        Self { line, kind: Kind::Map(entries) }
    }

    /// The text of a scalar, whatever its type.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a member that is a scalar.
    pub(super) fn get_text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// Puts a member, in the place of one with the same name.
    pub(super) fn put(&mut self, key: &str, value: Node) {
        let line = value.line;
        if let Kind::Map(entries) = &mut self.kind {
            match entries.iter_mut().find(|entry| entry.key == key) {
                Some(entry) => entry.value = value,
                None => entries.push(Entry { key: key.to_owned(), line, value }),
            }
        }
    }

    /// The function and its argument, if this is a call of an intrinsic function.
    pub(super) fn call(&self) -> Option<(&str, &Node)> {
        match self.entries() {
            [entry] if entry.key == "Ref" || entry.key.starts_with("Fn::") => Some((&entry.key, &entry.value)),
            _ => None,
        }
    }

    /// The value as it stands, functions not evaluated.
    pub(super) fn literal(&self) -> Value {
        match &self.kind {
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::Scalar { text, plain: true } => plain(text),
            Kind::List(items) => items.iter().map(Self::literal).collect(),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.literal())).collect::<Map<_, _>>(),
            ),
        }
    }
}

/// A scalar without quotes. A number only where its text survives: `1.10` and `0123` are names.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    match text.parse::<Number>() {
        Ok(number) if number.to_string() == text => Value::Number(number),
        _ => Value::String(text.to_owned()),
    }
}

/// Reads YAML, of which JSON is a part.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    // A tab between JSON's tokens is a tab as indentation to YAML; JSON's strings can't hold a raw one.
    let detabbed = if text.trim_start().starts_with('{') { Cow::Owned(text.replace('\t', " ")) } else { text.into() };
    let mut parser = Parser::new_from_str(&detabbed);
    let mut reader = Reader { anchors: BTreeMap::new(), nodes: 0 };
    let node = loop {
        match next(&mut parser)? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Err(Fault::new(span.start.line(), "the template is empty"));
            }
            (event, span) => break reader.node(&mut parser, event, span)?,
        }
    };
    loop {
        match next(&mut parser)? {
            (Event::DocumentEnd | Event::Nothing, _) => {}
            (Event::StreamEnd, _) => return Ok(node),
            (_, span) => {
                return Err(Fault::new(span.start.line(), "a second document begins: a template is one document"));
            }
        }
    }
}

type Source<'a> = Parser<'a, saphyr_parser::StrInput<'a>>;

fn next<'a>(parser: &mut Source<'a>) -> Result<(Event<'a>, Span), Fault> {
    match parser.next_event() {
        Some(event) => event.map_err(|error: ScanError| Fault::new(error.marker().line(), error.info().to_owned())),
        None => Err(Fault::new(1, "the template ends early")),
    }
}

struct Reader {
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl Reader {
    fn node<'a>(&mut self, parser: &mut Source<'a>, event: Event<'a>, span: Span) -> Result<Node, Fault> {
        let line = span.start.line();
        self.count(1, line)?;
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !is_string(tag.as_deref());
                (Kind::Scalar { text: text.into_owned(), plain }, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (Kind::List(self.list(parser)?), anchor, tag),
            Event::MappingStart(anchor, tag) => (Kind::Map(self.map(parser)?), anchor, tag),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| Fault::new(line, "the alias has no anchor above it"))?;
                self.count(size(&node), line)?;
                return Ok(node);
            }
            other => return Err(Fault::new(line, format!("unexpected {other:?}"))),
        };
        let node = match tag {
            Some(tag) if !tag.is_yaml_core_schema() => spelled_out(&tag, Node { line, kind })?,
            _ => Node { line, kind },
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list<'a>(&mut self, parser: &mut Source<'a>) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        loop {
            match next(parser)? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(parser, event, span)?),
            }
        }
    }

    fn map<'a>(&mut self, parser: &mut Source<'a>) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        loop {
            let (event, span) = next(parser)?;
            let line = span.start.line();
            let key = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(Fault::new(line, "a key must be a scalar")),
            };
            if key == "<<" {
                return Err(Fault::new(line, "CloudFormation doesn't support YAML's merge key <<"));
            }
            if !seen.insert(key.clone()) {
                return Err(Fault::new(line, format!("the key {key:?} is there twice")));
            }
            let (event, span) = next(parser)?;
            entries.push(Entry { key, line, value: self.node(parser, event, span)? });
        }
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), Fault> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES { Err(Fault::new(line, "the template has too many values")) } else { Ok(()) }
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar { .. } => 1,
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
    }
}

fn is_string(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str")
}

/// `!Sub x` → `{"Fn::Sub": x}`; `!GetAtt a.b.c` → `{"Fn::GetAtt": ["a", "b.c"]}`. Whether the function
/// exists is for [`super::check`] to say.
fn spelled_out(tag: &Tag, mut node: Node) -> Result<Node, Fault> {
    let line = node.line;
    if tag.handle != "!" {
        return Err(Fault::new(line, format!("the tag {}{} isn't one of CloudFormation's", tag.handle, tag.suffix)));
    }
    // The argument of a function is never a number by itself: `!Ref 1` names something called "1".
    if let Kind::Scalar { plain, .. } = &mut node.kind {
        *plain = false;
    }
    let function = match tag.suffix.as_str() {
        "Ref" | "Condition" => tag.suffix.clone(),
        suffix => format!("Fn::{suffix}"),
    };
    if function == "Fn::GetAtt"
        && let Some((resource, attribute)) = node.as_text().and_then(|text| text.split_once('.'))
    {
        node = Node::list(line, vec![Node::text(line, resource), Node::text(line, attribute)]);
    }
    Ok(Node::map(line, [(function, node)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_and_long_forms_are_the_same_tree() {
        for (short, long) in [
            ("!Ref A", json!({"Ref": "A"})),
            ("!Sub '${A}'", json!({"Fn::Sub": "${A}"})),
            ("!GetAtt A.B.C", json!({"Fn::GetAtt": ["A", "B.C"]})),
            ("!GetAtt [A, B]", json!({"Fn::GetAtt": ["A", "B"]})),
            ("!Join [',', [a, !Ref B]]", json!({"Fn::Join": [",", ["a", {"Ref": "B"}]]})),
            ("!Condition C", json!({"Condition": "C"})),
            ("!If [C, 1, !Ref AWS::NoValue]", json!({"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]})),
        ] {
            assert_eq!(parse(short).unwrap().literal(), long, "{short}");
        }
    }

    #[test]
    fn scalars_keep_the_text_that_a_number_would_lose() {
        let tree = parse("a: 1.10\nb: 0123\nc: 12\nd: '12'\ne: 1.0.0\nf: 2012-10-17\ng: False\nh:\ni: 1.5").unwrap();
        assert_eq!(
            tree.literal(),
            json!({"a": "1.10", "b": "0123", "c": 12, "d": "12", "e": "1.0.0", "f": "2012-10-17", "g": false, "h": null, "i": 1.5})
        );
    }

    #[test]
    fn every_value_knows_its_line() {
        let tree = parse("a:\n  - b\n  - c: |\n      text\n").unwrap();
        let items = tree.get("a").unwrap().as_list().unwrap();
        assert_eq!((items[0].line, items[1].line, items[1].entries()[0].line), (2, 3, 3));
    }

    #[test]
    fn json_with_tabs_is_read() {
        assert_eq!(parse("{\n\t\"a\":\t[1, \"x\\ty\"]\n}").unwrap().literal(), json!({"a": [1, "x\ty"]}));
    }

    #[test]
    fn an_alias_stands_for_its_anchor() {
        assert_eq!(parse("a: &x {k: 1}\nb: *x").unwrap().literal(), json!({"a": {"k": 1}, "b": {"k": 1}}));
    }

    #[test]
    fn what_is_not_a_template_names_its_line() {
        for (text, line) in
            [("a: 1\na: 2", 2), ("a: 1\nb: [", 3), ("", 1), ("a: 1\n<<: {b: 1}", 2), ("a: 1\n---\nb: 1", 2)]
        {
            let fault = parse(text).unwrap_err();
            assert!(fault.line.abs_diff(line) <= 1, "{text:?}: {fault:?}");
        }
    }
}
