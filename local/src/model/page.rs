//! Listings in pages. Handlers answer the whole list; the token says where the next page begins.

use super::schema::{Operation, Pagination};
use crate::draw::Seed;
use crate::wire::ApiError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

const DEFAULT_SIZE: u64 = 25;

/// Cuts the page that `input` asks for out of a listing's whole answer.
///
/// # Errors
/// `InvalidPaginationTokenException` for a token that another operation, other parameters or nobody made.
pub(crate) fn paged(name: &str, operation: &Operation, input: &Value, mut answer: Value) -> Result<Value, ApiError> {
    let Some(Pagination { result_key }) = &operation.pagination else { return Ok(answer) };
    let Some(Value::Array(items)) = answer.get_mut(result_key) else { return Ok(answer) };
    let question = fingerprint(name, input);
    let start = match input.get("nextToken").and_then(Value::as_str) {
        None => 0,
        Some(token) => read(token, &question).ok_or_else(|| {
            super::error("InvalidPaginationTokenException", "The pagination token isn't valid for this request.")
        })?,
    };
    let size = input.get("maxResults").and_then(Value::as_u64).unwrap_or(DEFAULT_SIZE);
    let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    let more = items.len() > end;
    *items = items.drain(..).skip(start).take(end - start).collect();
    if let (true, Value::Object(answer)) = (more, &mut answer) {
        answer.insert("nextToken".to_owned(), URL_SAFE_NO_PAD.encode(format!("{question} {end}")).into());
    }
    Ok(answer)
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

fn read(token: &str, question: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (asked, start) = text.split_once(' ')?;
    if asked == question { start.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::operation;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn page(input: &Value, count: usize) -> Result<Value, ApiError> {
        let all: Vec<usize> = (0..count).collect();
        paged("ListImages", operation("ListImages").unwrap(), input, json!({"imageVersionList": all}))
    }

    proptest! {
        #[test]
        fn pages_joined_are_the_whole_list(count in 0usize..120, size in 1usize..=100) {
            let mut input = json!({"owner": "Self", "maxResults": size});
            let mut joined = Vec::new();
            loop {
                let answer = page(&input, count).unwrap();
                let items = answer["imageVersionList"].as_array().unwrap();
                prop_assert!(items.len() <= size);
                joined.extend(items.iter().map(|item| item.as_u64().unwrap() as usize));
                match answer.get("nextToken") {
                    Some(token) => input["nextToken"] = token.clone(),
                    None => break,
                }
            }
            prop_assert_eq!(joined, (0..count).collect::<Vec<_>>());
        }
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
