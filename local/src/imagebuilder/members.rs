//! The members of a resource's document.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::ops::Index;
use std::sync::Arc;

/// The document that a Get operation answers, member by member. Members without value are absent, never null.
///
/// Most of what an image's document says, hundreds of others say too: its recipe, its configurations, its state.
/// So each value is kept once, for all who have it ([`Common`]).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct Members(Vec<(Arc<str>, Arc<Value>)>);

impl Members {
    fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(known, _)| **known == *name)
    }

    /// A member's value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.place(name).map(|place| &*self.0[place].1)
    }

    /// A member's value, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.place(name).map(|place| Arc::make_mut(&mut self.0[place].1))
    }

    /// Whether there is such a member.
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Sets a member.
    pub fn insert(&mut self, name: &str, value: Value) {
        match self.place(name) {
            Some(place) => self.0[place].1 = Arc::new(value),
            None => self.0.push((name.into(), Arc::new(value))),
        }
    }

    /// Takes a member away.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.place(name).map(|place| Arc::unwrap_or_clone(self.0.remove(place).1))
    }

    /// The members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// A copy of all members.
    pub fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    /// A copy of all members, as an object.
    pub fn to_value(&self) -> Value {
        Value::Object(self.to_map())
    }
}

impl From<Map<String, Value>> for Members {
    fn from(members: Map<String, Value>) -> Self {
        Self(members.into_iter().map(|(name, value)| (name.into(), Arc::new(value))).collect())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// A member's value; null for one that is absent.
impl Index<&str> for Members {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

/// The members that no two resources have in common: they aren't looked for.
const OWN: [&str; 5] = ["arn", "version", "dateCreated", "dateUpdated", "outputResources"];

/// Names and values that many documents have in common, each kept once.
#[derive(Debug, Clone, Default)]
pub(super) struct Common {
    names: HashSet<Arc<str>>,
    values: HashSet<Arc<Value>>,
    /// How many values there may be before those are dropped that nobody has any more.
    limit: usize,
}

impl Common {
    /// Lets a document have what others have already, and gives them what it has.
    pub(super) fn share(&mut self, members: &mut Members) {
        members.0.shrink_to_fit();
        for (name, value) in &mut members.0 {
            share(&mut self.names, name);
            if !OWN.contains(&&**name) {
                share(&mut self.values, value);
            }
        }
        if self.values.len() > self.limit {
            self.values.retain(|value| Arc::strong_count(value) > 1);
            self.limit = 2 * self.values.len() + 1_000;
        }
    }
}

fn share<T: ?Sized + std::hash::Hash + Eq>(known: &mut HashSet<Arc<T>>, mine: &mut Arc<T>) {
    match known.get(mine) {
        Some(same) => *mine = same.clone(),
        None => drop(known.insert(mine.clone())),
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
        assert!(common.values.len() <= 1_001, "{}", common.values.len());
    }

    #[test]
    fn members_keep_their_order_and_come_back_from_json() {
        let mut document = members(json!({"b": 1, "a": 2, "c": 3}));
        document.insert("a", json!(4));
        assert_eq!(document.remove("c"), Some(json!(3)));
        document.insert("d", json!(5));
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(text, r#"{"b":1,"a":4,"d":5}"#);
        assert_eq!(serde_json::from_str::<Members>(&text).unwrap(), document);
        assert_eq!(document["absent"], Value::Null);
    }
}
