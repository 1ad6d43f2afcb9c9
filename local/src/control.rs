//! The endpoints under `/_local/`, which no AWS has: look into the local AWS, empty it, ask for faults.
//!
//! - `GET /_local/state`: the whole state, see [`crate::state::text`]
//! - `POST /_local/reset`: empties it
//! - `GET`, `PUT`, `DELETE /_local/faults`: the rules of the faults, see [`crate::faults`]
//!
//! They need no signature. Nothing that comes from a web page may change anything: whoever runs a browser on the
//! same machine hasn't asked for it.

use crate::driver::Local;
use crate::faults::Rules;
use crate::state;
use crate::wire::{Request, Response};
use serde_json::{Value, json};

const ROOT: &str = "/_local";

/// Each path with the methods that it takes.
const ENDPOINTS: [(&str, &[&str]); 3] =
    [("/state", &["GET"]), ("/reset", &["POST"]), ("/faults", &["GET", "PUT", "DELETE"])];

/// Whether a path belongs here.
pub(crate) fn is_for(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request whose path [`is_for`] this.
pub(crate) async fn answer(local: &Local, request: &Request) -> Response {
    let path = request.path.strip_prefix(ROOT).unwrap_or_default();
    let Some((_, methods)) = ENDPOINTS.iter().find(|(endpoint, _)| *endpoint == path) else {
        let known: Vec<_> =
            ENDPOINTS.iter().map(|(path, methods)| format!("{} {ROOT}{path}", methods.join("|"))).collect();
        let message = format!("there is no {}: expected {}", request.path, known.join(", "));
        return fault(404, &message);
    };
    let method = request.method.as_str();
    if !methods.contains(&method) {
        let mut response = fault(405, &format!("{} takes {}", request.path, methods.join(", ")));
        response.headers.push(("allow", methods.join(", ")));
        return response;
    }
    if method != "GET" && request.header("origin").is_some() {
        return fault(403, "a web page can't change the local AWS");
    }
    match (path, method) {
        ("/state", _) => {
            let text = state::text(&local.world());
            text.map_or_else(|error| fault(500, &format!("the state as JSON: {error}")), |text| bytes(200, text))
        }
        ("/reset", _) => {
            let gone = local.reset().await;
            let message = "Everything is gone, with the deployed stacks: restart to deploy them anew. What is left \
                           is the seed, the time, the catalogue of managed images and the rules of the faults.";
            reply(200, &json!({"message": message, "stacks": gone}))
        }
        ("/faults", "PUT") => match Rules::parse(&request.body) {
            Ok(rules) => {
                let mut world = local.world();
                world.faults.set(rules);
                world.revision += 1;
                reply(200, &world.faults.document())
            }
            Err(error) => fault(400, &error),
        },
        ("/faults", "DELETE") => {
            let mut world = local.world();
            world.faults.set(Rules::default());
            world.revision += 1;
            reply(200, &world.faults.document())
        }
        _ => reply(200, &local.world().faults.document()),
    }
}

fn fault(status: u16, message: &str) -> Response {
    reply(status, &json!({"message": message}))
}

fn reply(status: u16, body: &Value) -> Response {
    bytes(status, body.to_string().into_bytes())
}

fn bytes(status: u16, body: Vec<u8>) -> Response {
    Response { status, headers: vec![("content-type", "application/json".to_owned())], body: body.into() }
}
