//! A map whose keys aren't texts, as JSON: a list of `[key, value]`, in the order of the keys. For
//! `#[serde(with = "crate::pairs")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Writes the map.
pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
    map: &BTreeMap<K, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map)
}

/// Reads the map. Of two pairs with the same key, the later one counts.
pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Store {
        #[serde(with = "crate::pairs")]
        answers: BTreeMap<(String, u64), Vec<String>>,
    }

    #[test]
    fn keys_that_are_not_texts_survive_json() {
        let answers = BTreeMap::from([(("b".to_owned(), 2), vec![]), (("a".to_owned(), 10), vec!["x".to_owned()])]);
        let store = Store { answers };
        let written = serde_json::to_value(&store).unwrap();
        assert_eq!(written, json!({"answers": [[["a", 10], ["x"]], [["b", 2], []]]}));
        assert_eq!(serde_json::from_value::<Store>(written).unwrap(), store);
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        assert!(serde_json::from_value::<Store>(json!({"answers": {"a": 1}})).is_err());
        assert!(serde_json::from_value::<Store>(json!({"answers": [[["a", 1]]]})).is_err());
    }
}
