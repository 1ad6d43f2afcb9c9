//! The protocols awsQuery (SNS, STS) and ec2Query (EC2): a form in, XML out.
//!
//! A form's dotted names become nested JSON: `A.B=x` → `{"A": {"B": "x"}}`, `Ids.member.1=x` and `Id.1=x` →
//! lists, `Attributes.entry.1.key=k` with `….value=v` → `{"Attributes": {"k": "v"}}`. All leaves are strings.
//! Answers go the other way: a list's items become `<member>` (awsQuery) or `<item>` (ec2Query); an object
//! under one of [`MAPS`] becomes `<entry><key/><value/></entry>`.

use super::{ApiError, Request, Response};
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Members of awsQuery answers that are maps, not structures.
const MAPS: [&str; 1] = ["Attributes"];

/// Which of the two dialects a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// awsQuery.
    Query,
    /// ec2Query.
    Ec2,
}

/// The operation and its input.
///
/// # Errors
/// `MissingAction` when the form names no operation.
pub fn decode(request: &Request) -> Result<(String, Value), ApiError> {
    let fields = form_urlencoded::parse(request.query.as_bytes()).chain(form_urlencoded::parse(&request.body));
    let mut root = Node::default();
    let mut operation = None;
    for (name, value) in fields {
        match name.as_ref() {
            "Action" => operation = Some(value.into_owned()),
            "Version" => {}
            _ => root.insert(name.split('.'), value.into_owned()),
        }
    }
    let operation = operation.ok_or_else(|| ApiError::bad("MissingAction", "the form must name an Action"))?;
    match root.into_value() {
        Value::String(_) => Ok((operation, Value::Object(Map::new()))),
        value => Ok((operation, value)),
    }
}

#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn insert<'a>(&mut self, mut path: impl Iterator<Item = &'a str>, text: String) {
        match path.next() {
            Some(name) => self.children.entry(name.to_owned()).or_default().insert(path, text),
            None => self.text = Some(text),
        }
    }

    fn into_value(self) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text.unwrap_or_default());
        }
        if self.children.keys().all(|key| key.parse::<u32>().is_ok()) {
            let mut items: Vec<_> =
                self.children.into_iter().map(|(key, node)| (key.parse::<u32>().unwrap_or(0), node)).collect();
            items.sort_by_key(|(index, _)| *index);
            return Value::Array(items.into_iter().map(|(_, node)| node.into_value()).collect());
        }
        let mut object: Map<String, Value> =
            self.children.into_iter().map(|(key, node)| (key, node.into_value())).collect();
        if object.len() == 1 {
            if let Some(Value::Array(_)) = object.get("member") {
                return object.remove("member").unwrap_or_default();
            }
            if let Some(Value::Array(entries)) = object.get("entry") {
                return Value::Object(entries.iter().filter_map(entry).collect());
            }
        }
        Value::Object(object)
    }
}

fn entry(entry: &Value) -> Option<(String, Value)> {
    let name = entry.get("key").or_else(|| entry.get("Name"))?.as_str()?.to_owned();
    let value = entry.get("value").or_else(|| entry.get("Value"))?.clone();
    Some((name, value))
}

/// The answer on the wire. `namespace` is the service's XML name space.
pub fn encode(
    dialect: Dialect,
    namespace: &str,
    operation: &str,
    request_id: &str,
    result: Result<Value, ApiError>,
) -> Response {
    let mut xml = Xml { writer: Writer::new(Vec::new()), dialect };
    let status = match result {
        Ok(value) => {
            xml.inside(&format!("{operation}Response"), &[("xmlns", namespace)], |xml| match dialect {
                Dialect::Ec2 => {
                    xml.leaf("requestId", request_id);
                    xml.members(&value);
                }
                Dialect::Query => {
                    xml.inside(&format!("{operation}Result"), &[], |xml| xml.members(&value));
                    xml.inside("ResponseMetadata", &[], |xml| xml.leaf("RequestId", request_id));
                }
            });
            200
        }
        Err(error) => {
            match dialect {
                Dialect::Query => xml.inside("ErrorResponse", &[("xmlns", namespace)], |xml| {
                    xml.inside("Error", &[], |xml| {
                        xml.leaf("Type", if error.status < 500 { "Sender" } else { "Receiver" });
                        xml.leaf("Code", &error.code);
                        xml.leaf("Message", &error.message);
                    });
                    xml.leaf("RequestId", request_id);
                }),
                Dialect::Ec2 => xml.inside("Response", &[], |xml| {
                    xml.inside("Errors", &[], |xml| {
                        xml.inside("Error", &[], |xml| {
                            xml.leaf("Code", &error.code);
                            xml.leaf("Message", &error.message);
                        });
                    });
                    xml.leaf("RequestID", request_id);
                }),
            }
            error.status
        }
    };
    Response {
        status,
        headers: vec![("content-type", "text/xml;charset=UTF-8".to_owned())],
        body: xml.writer.into_inner().into(),
    }
}

struct Xml {
    writer: Writer<Vec<u8>>,
    dialect: Dialect,
}

impl Xml {
    fn event(&mut self, event: Event<'_>) {
        self.writer.write_event(event).expect("writing to a Vec can't fail");
    }

    fn inside(&mut self, name: &str, attributes: &[(&str, &str)], content: impl FnOnce(&mut Self)) {
        self.event(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn leaf(&mut self, name: &str, text: &str) {
        // XML has no way to write most control characters, escaped or not.
        let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        let text: String = text.chars().map(|c| if legal(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
        self.inside(name, &[], |xml| xml.event(Event::Text(BytesText::new(&text))));
    }

    fn members(&mut self, object: &Value) {
        for (name, value) in object.as_object().into_iter().flatten() {
            if !value.is_null() {
                self.member(name, value);
            }
        }
    }

    fn member(&mut self, name: &str, value: &Value) {
        match value {
            Value::Array(items) => {
                let item = if self.dialect == Dialect::Ec2 { "item" } else { "member" };
                self.inside(name, &[], |xml| items.iter().for_each(|value| xml.member(item, value)));
            }
            Value::Object(map) if self.dialect == Dialect::Query && MAPS.contains(&name) => {
                self.inside(name, &[], |xml| {
                    for (key, value) in map {
                        xml.inside("entry", &[], |xml| {
                            xml.leaf("key", key);
                            xml.member("value", value);
                        });
                    }
                });
            }
            Value::Object(_) => self.inside(name, &[], |xml| xml.members(value)),
            Value::String(text) => self.leaf(name, text),
            other => self.leaf(name, &other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(body: &str) -> Request {
        Request {
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            headers: vec![],
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn a_form_becomes_nested_json() {
        let (operation, input) = decode(&form(
            "Action=Subscribe&Version=2010-03-31&TopicArn=t&Attributes.entry.1.key=A&Attributes.entry.1.value=%7B%7D&Ids.member.2=b&Ids.member.1=a",
        ))
        .unwrap();
        assert_eq!(operation, "Subscribe");
        assert_eq!(input, json!({"TopicArn": "t", "Attributes": {"A": "{}"}, "Ids": ["a", "b"]}));
        let (_, input) =
            decode(&form("Action=X&Filter.1.Name=n&Filter.1.Value.1=v&Filter.1.Value.10=z&Filter.1.Value.2=w"))
                .unwrap();
        assert_eq!(input, json!({"Filter": [{"Name": "n", "Value": ["v", "w", "z"]}]}));
    }

    #[test]
    fn a_form_without_action_is_refused() {
        assert_eq!(decode(&form("A=1")).unwrap_err().code, "MissingAction");
    }

    #[test]
    fn answers_look_as_the_dialect_wants() {
        let text = |response: Response| String::from_utf8(response.body.to_vec()).unwrap();
        let query = encode(
            Dialect::Query,
            "ns",
            "Op",
            "r",
            Ok(json!({"Topics": [{"TopicArn": "a&b"}], "Attributes": {"k": "v"}})),
        );
        insta::assert_snapshot!(text(query), @r#"<OpResponse xmlns="ns"><OpResult><Topics><member><TopicArn>a&amp;b</TopicArn></member></Topics><Attributes><entry><key>k</key><value>v</value></entry></Attributes></OpResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></OpResponse>"#);
        let ec2 =
            encode(Dialect::Ec2, "ns", "Op", "r", Ok(json!({"imagesSet": [{"imageId": "ami-1", "public": false}]})));
        insta::assert_snapshot!(text(ec2), @r#"<OpResponse xmlns="ns"><requestId>r</requestId><imagesSet><item><imageId>ami-1</imageId><public>false</public></item></imagesSet></OpResponse>"#);
        let control = encode(Dialect::Query, "ns", "Op", "r", Ok(json!({"A": "a\u{0}b\u{ffff}\n<é"})));
        assert!(text(control).contains("<A>a\u{fffd}b\u{fffd}\n&lt;é</A>"));
        let error = encode(Dialect::Ec2, "ns", "Op", "r", Err(ApiError::bad("InvalidAMIID.NotFound", "no")));
        insta::assert_snapshot!(text(error), @"<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>");
    }
}
