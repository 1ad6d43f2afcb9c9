//! What looks random is drawn from the seed and the name of what is drawn for, never from the order in
//! which things happen to arrive: so a run is the same however the threads fall.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// The seed of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(pub u64);

impl Seed {
    /// A number from the seed and a key, evenly spread. The same key gives the same number.
    pub fn draw(self, key: &[&str]) -> u64 {
        // FNV-1a over the parts, each closed by a byte that UTF-8 never holds; then SplitMix64's finaliser.
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for part in key {
            for byte in part.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }

    /// A span of time within `[low, high]`, to the millisecond.
    pub fn span(self, key: &[&str], low: TimeDelta, high: TimeDelta) -> TimeDelta {
        let width = (high - low).num_milliseconds().max(0).cast_unsigned();
        low + TimeDelta::milliseconds((self.draw(key) % (width + 1)).cast_signed())
    }

    /// `len` lower-case hex digits, for identifiers such as `ami-0123456789abcdef0`.
    pub fn hex(self, key: &[&str], len: usize) -> String {
        let low = self.draw(key);
        let high = self.draw(&[&format!("{low:x}"), "high"]);
        format!("{low:016x}{high:016x}").chars().take(len).collect()
    }

    /// A UUID in the text form of version 4.
    pub fn uuid(self, key: &[&str]) -> String {
        let low = self.draw(key);
        let high = self.draw(&[&format!("{low:x}"), "uuid"]);
        uuid::Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
            .into_uuid()
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_key_do_not_run_together() {
        assert_ne!(Seed(1).draw(&["ab", "c"]), Seed(1).draw(&["a", "bc"]));
        assert_ne!(Seed(1).draw(&["a"]), Seed(2).draw(&["a"]));
    }

    #[test]
    fn a_span_stays_within_its_bounds() {
        let (low, high) = (TimeDelta::seconds(3), TimeDelta::seconds(5));
        for n in 0..500 {
            let span = Seed(7).span(&[&n.to_string()], low, high);
            assert!((low..=high).contains(&span), "{span}");
        }
        assert_eq!(Seed(7).span(&["x"], high, high), high);
    }

    #[test]
    fn a_uuid_has_the_form_of_version_4() {
        let id = Seed(1).uuid(&["x"]);
        assert_eq!(uuid::Uuid::parse_str(&id).expect("a UUID").get_version_num(), 4);
    }
}
