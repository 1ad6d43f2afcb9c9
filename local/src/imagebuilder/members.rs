//! The members of a resource's document.

use crate::model;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::ops::Index;
use std::sync::{Arc, OnceLock};

/// The document that a Get operation answers, member by member. Members without value are absent, never null.
///
/// Most of what an image's document says, hundreds of others say too: its recipe, its configurations, its state.
/// That part is kept once, for all who have it ([`Common`]); the rest rests as text until it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct Members {
    common: Arc<Map<String, Value>>,
    own: Own,
}

/// The members that no two resources have in common.
const OWN: [&str; 5] = ["arn", "version", "dateCreated", "dateUpdated", "outputResources"];

/// The values of [`OWN`].
#[derive(Debug, Clone)]
enum Own {
    Open(Map<String, Value>),
    /// As JSON, and as it was last read.
    Packed(Box<str>, OnceLock<Box<Map<String, Value>>>),
}

impl Default for Own {
    fn default() -> Self {
        Self::Open(Map::new())
    }
}

impl Own {
    fn parsed(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).expect("it was written by the same type")
    }

    fn read(&self) -> &Map<String, Value> {
        match self {
            Self::Open(members) => members,
            Self::Packed(text, read) => read.get_or_init(|| Box::new(Self::parsed(text))),
        }
    }

    /// A copy, without keeping what is read for it.
    fn copied(&self) -> Map<String, Value> {
        match self {
            Self::Open(members) => members.clone(),
            Self::Packed(text, _) => Self::parsed(text),
        }
    }

    fn open(&mut self) -> &mut Map<String, Value> {
        if let Self::Packed(text, _) = self {
            *self = Self::Open(Self::parsed(text));
        }
        match self {
            Self::Open(members) => members,
            Self::Packed(..) => unreachable!("it was opened"),
        }
    }

    fn pack(&mut self) {
        let text = match self {
            Self::Open(members) => serde_json::to_string(members).expect("an object of JSON can be written"),
            Self::Packed(text, _) => std::mem::take(text).into_string(),
        };
        *self = Self::Packed(text.into_boxed_str(), OnceLock::new());
    }
}

impl Members {
    /// A member's value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        if OWN.contains(&name) { self.own.read().get(name) } else { self.common.get(name) }
    }

    fn part(&mut self, name: &str) -> &mut Map<String, Value> {
        if OWN.contains(&name) { self.own.open() } else { Arc::make_mut(&mut self.common) }
    }

    /// A member's value, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.part(name).get_mut(name)
    }

    /// Whether there is such a member.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a member.
    pub fn insert(&mut self, name: &str, value: Value) {
        self.part(name).insert(name.to_owned(), value);
    }

    /// Takes a member away.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.contains_key(name).then(|| self.part(name).shift_remove(name)).flatten()
    }

    /// What a summary's structure has of the document.
    pub(crate) fn summary(&self, shape: &str) -> Value {
        let members = &model::shape(shape).members;
        let mut summary = Value::Object(self.pick(|name| members.contains_key(name)));
        model::reduce(shape, &mut summary);
        summary
    }

    /// A copy of the members whose names are wanted.
    pub fn pick(&self, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
        let mut picked = self.own.copied();
        picked.retain(|name, _| wanted(name));
        let common = self.common.iter().filter(|(name, _)| wanted(name));
        picked.extend(common.map(|(name, value)| (name.clone(), value.clone())));
        picked
    }

    /// A copy of all members.
    pub fn to_map(&self) -> Map<String, Value> {
        self.pick(|_| true)
    }

    /// A copy of all members, as an object.
    pub fn to_value(&self) -> Value {
        Value::Object(self.to_map())
    }
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.common == other.common && self.own.read() == other.own.read()
    }
}

impl From<Map<String, Value>> for Members {
    fn from(members: Map<String, Value>) -> Self {
        let (own, common) = members.into_iter().partition(|(name, _)| OWN.contains(&name.as_str()));
        Self { common: Arc::new(common), own: Own::Open(own) }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_map().serialize(serializer)
    }
}

/// A member's value; null for one that is absent.
impl Index<&str> for Members {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

/// What documents have in common, each kept once.
#[derive(Debug, Clone, Default)]
pub(super) struct Common {
    known: HashSet<Arc<Map<String, Value>>>,
    /// How many there may be before those are dropped that no document has any more.
    limit: usize,
}

impl Common {
    /// Lets a document have what others have already, and gives them what it has. It takes as little room as it can.
    pub(super) fn share(&mut self, members: &mut Members) {
        members.own.pack();
        match self.known.get(&members.common) {
            Some(same) => members.common = same.clone(),
            None => drop(self.known.insert(members.common.clone())),
        }
        if self.known.len() > self.limit {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.limit = 2 * self.known.len() + 1_000;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(value: Value) -> Members {
        let Value::Object(map) = value else { panic!("an object") };
        map.into()
    }

    #[test]
    fn what_two_documents_say_is_kept_once_and_changed_in_one() {
        let mut common = Common::default();
        let mut one = members(json!({"arn": "a", "state": {"status": "AVAILABLE"}}));
        let mut two = members(json!({"arn": "b", "state": {"status": "AVAILABLE"}}));
        common.share(&mut one);
        common.share(&mut two);
        assert!(std::ptr::eq(&one["state"], &two["state"]));
        two.get_mut("state").unwrap()["status"] = "DEPRECATED".into();
        assert_eq!((&one["state"]["status"], &two["state"]["status"]), (&json!("AVAILABLE"), &json!("DEPRECATED")));
    }

    #[test]
    fn what_nobody_has_any_more_is_dropped() {
        let mut common = Common::default();
        for number in 0..10_000 {
            common.share(&mut members(json!({"name": number})));
        }
        assert!(common.known.len() <= 1_001, "{}", common.known.len());
    }

    #[test]
    fn members_are_changed_packed_and_come_back_from_json() {
        let mut document = members(json!({"name": "b", "arn": "a", "tags": {}, "outputResources": {"amis": []}}));
        Common::default().share(&mut document);
        document.insert("arn", json!("c"));
        assert_eq!(document.remove("tags"), Some(json!({})));
        assert_eq!((document.remove("tags"), document.get("version")), (None, None));
        document.get_mut("outputResources").unwrap()["amis"] = json!([{"image": "ami-1"}]);
        let expected = json!({"name": "b", "arn": "c", "outputResources": {"amis": [{"image": "ami-1"}]}});
        Common::default().share(&mut document);
        assert_eq!(document.to_value(), expected);
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<Members>(&text).unwrap(), document);
        assert_eq!(document["outputResources"]["amis"][0]["image"], "ami-1");
        assert_eq!(Value::Object(document.pick(|name| name == "name")), json!({"name": "b"}));
        assert_eq!(document["absent"], Value::Null);
    }
}
