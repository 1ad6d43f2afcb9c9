//! Listings in pages: the token says behind which item the next page begins.

use super::filter::Filters;
use super::schema::{Operation, Pagination};
use crate::draw::Seed;
use crate::wire::ApiError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

const DEFAULT_SIZE: u64 = 25;

/// What a listing has: its items, each with a key that no other has, in the ascending order of the keys.
/// Nothing is read of items that no page shows.
pub(crate) struct Listing<'a> {
    items: Box<dyn Iterator<Item = (String, Value)> + 'a>,
    /// What the answer has beside the list.
    beside: Map<String, Value>,
}

impl<'a> Listing<'a> {
    /// Items in the ascending order of their keys.
    pub(crate) fn ascending(items: impl Iterator<Item = (String, Value)> + 'a) -> Self {
        Self { items: Box::new(items), beside: Map::new() }
    }

    /// Items with numbers that count up as they are made, oldest first.
    pub(crate) fn oldest_first(items: impl Iterator<Item = (u64, Value)> + 'a) -> Self {
        Self::ascending(items.map(|(made, item)| (format!("{made:020}"), item)))
    }

    /// Items with numbers that count up as they are made, newest first.
    pub(crate) fn newest_first(items: impl Iterator<Item = (u64, Value)> + 'a) -> Self {
        Self::oldest_first(items.map(|(made, item)| (u64::MAX - made, item)))
    }

    /// No item.
    pub(crate) fn none() -> Self {
        Self::ascending(std::iter::empty())
    }

    /// With a member of the answer beside the list.
    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.beside.insert(member.to_owned(), value.into());
        self
    }
}

/// The key behind which the page of a request begins.
///
/// # Errors
/// `InvalidPaginationTokenException` for a token that another operation, other parameters or nobody made.
pub(crate) fn after(name: &str, input: &Value) -> Result<Option<String>, ApiError> {
    let Some(token) = input.get("nextToken").and_then(Value::as_str) else { return Ok(None) };
    let refusal = "The pagination token isn't valid for this request.";
    read(token, &fingerprint(name, input))
        .map(Some)
        .ok_or_else(|| super::error("InvalidPaginationTokenException", refusal))
}

/// Cuts the page that `input` asks for out of a listing: the items behind the key `after` that pass the filters.
/// The token names the last item's key, so that a page doesn't move when items are made or go.
///
/// # Errors
/// For filters, see [`Filters::of`].
pub(crate) fn page(
    name: &str,
    operation: &Operation,
    input: &Value,
    after: Option<&str>,
    listing: Listing<'_>,
) -> Result<Value, ApiError> {
    let filters = Filters::of(name, input)?;
    let size = input.get("maxResults").and_then(Value::as_u64).unwrap_or(DEFAULT_SIZE);
    let behind = |(key, _): &(String, Value)| after.is_none_or(|after| key.as_str() > after);
    let mut found = listing.items.filter(|item| behind(item) && filters.pass(&item.1));
    let (mut items, mut last) = (Vec::new(), String::new());
    for (key, item) in found.by_ref().take(usize::try_from(size).unwrap_or(usize::MAX)) {
        items.push(item);
        last = key;
    }
    let mut answer = listing.beside;
    if found.next().is_some() {
        let token = format!("{} {last}", fingerprint(name, input));
        answer.insert("nextToken".to_owned(), URL_SAFE_NO_PAD.encode(token).into());
    }
    let Some(Pagination { result_key }) = &operation.pagination else {
        return Err(super::error("ServiceException", format!("{name} isn't a listing.")));
    };
    answer.insert(result_key.clone(), items.into());
    Ok(answer.into())
}

/// What was asked, pages aside: a token is good for the same question only.
fn fingerprint(name: &str, input: &Value) -> String {
    let mut question = input.clone();
    if let Value::Object(members) = &mut question {
        members.remove("nextToken");
        members.remove("maxResults");
        members.sort_keys();
    }
    Seed(0).hex(&[name, &question.to_string()], 16)
}

fn read(token: &str, question: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (asked, key) = text.split_once(' ')?;
    (asked == question).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::operation;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn items(names: impl Iterator<Item = u64>) -> Listing<'static> {
        Listing::oldest_first(
            names.map(|number| (number, json!({"name": number.to_string()}))).collect::<Vec<_>>().into_iter(),
        )
    }

    fn paged(input: &Value, listing: Listing<'_>) -> Result<Value, ApiError> {
        let after = after("ListImages", input)?;
        super::page("ListImages", operation("ListImages").unwrap(), input, after.as_deref(), listing)
    }

    fn page(input: &Value, count: u64) -> Result<Value, ApiError> {
        paged(input, items(0..count))
    }

    fn numbers(answer: &Value) -> Vec<u64> {
        let list = answer["imageVersionList"].as_array().unwrap();
        list.iter().map(|item| item["name"].as_str().unwrap().parse().unwrap()).collect()
    }

    proptest! {
        #[test]
        fn pages_joined_are_the_whole_list(count in 0u64..120, size in 1usize..=100) {
            let mut input = json!({"owner": "Self", "maxResults": size});
            let mut joined = Vec::new();
            loop {
                let answer = page(&input, count).unwrap();
                let page = numbers(&answer);
                prop_assert!(page.len() <= size);
                joined.extend(page);
                match answer.get("nextToken") {
                    Some(token) => input["nextToken"] = token.clone(),
                    None => break,
                }
            }
            prop_assert_eq!(joined, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn pages_do_not_move_when_items_come_and_go() {
        let first = paged(&json!({"maxResults": 2}), items([10, 20, 30, 40].into_iter())).unwrap();
        let next = json!({"maxResults": 2, "nextToken": first["nextToken"]});
        let second = paged(&next, items([5, 10, 15, 30, 40].into_iter())).unwrap();
        assert_eq!((numbers(&first), numbers(&second)), (vec![10, 20], vec![30, 40]));
    }

    #[test]
    fn the_newest_come_first_when_a_listing_says_so() {
        let numbered = |number: u64| (number, json!({"name": number.to_string()}));
        let answer = paged(&json!({}), Listing::newest_first([3, 2, 1].map(numbered).into_iter())).unwrap();
        assert_eq!(numbers(&answer), [3, 2, 1]);
    }

    #[test]
    fn a_page_holds_25_unless_told() {
        let answer = page(&json!({}), 26).unwrap();
        assert_eq!(answer["imageVersionList"].as_array().unwrap().len(), 25);
        assert!(answer["nextToken"].is_string());
        assert!(page(&json!({}), 25).unwrap().get("nextToken").is_none());
    }

    #[test]
    fn a_token_is_good_for_its_own_question_only() {
        let token = page(&json!({"owner": "Self"}), 30).unwrap()["nextToken"].clone();
        assert!(page(&json!({"owner": "Self", "nextToken": token, "maxResults": 1}), 30).is_ok());
        for input in [json!({"nextToken": token}), json!({"owner": "Self", "nextToken": "bad token"})] {
            assert_eq!(page(&input, 30).unwrap_err().code, "InvalidPaginationTokenException", "{input}");
        }
    }
}
