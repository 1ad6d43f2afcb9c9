//! Client tokens: the same cause gives the same token, so that a repeated call is recognised by the service.

use uuid::Uuid;

/// The namespace of Goldsmith's tokens, drawn once.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_2a0e_93c4_4b57_8a3e_5d0c_71f4_e826);

/// A UUIDv5 of what caused a call: 36 characters, the most that every version of the service takes.
/// The parts are kept apart, so `["ab", "c"]` and `["a", "bc"]` differ.
pub fn client_token(cause: &[&str]) -> String {
    let mut name = Vec::new();
    for part in cause {
        name.extend((part.len() as u64).to_be_bytes());
        name.extend(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_alone_makes_the_token() {
        let token = client_token(&["event", "pipeline"]);
        assert_eq!(token, client_token(&["event", "pipeline"]));
        assert_eq!(token.len(), 36);
        assert_ne!(token, client_token(&["eventp", "ipeline"]));
        assert_ne!(token, client_token(&["event"]));
    }
}
