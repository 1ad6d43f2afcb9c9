//! In which order families are read, so that a run that has to stop early leaves none behind for good.

use chrono::{DateTime, Utc};

/// The order of a run: by name, from the family on at which the run begins.
///
/// `from` begins at that family, or the next one by name, as the answer of a run that stopped says. Otherwise the
/// beginning is taken from the hour of the run: with each hour it moves on by the same fraction of the whole, one of which
/// no usual schedule's multiple is near a fraction of small numbers. So the beginnings of runs in a row lie evenly over
/// all families, and nothing has to be remembered: if a run gets through an n-th of the families, four times n runs get
/// through all of them, be it hourly, daily or weekly.
pub fn order(mut families: Vec<String>, now: DateTime<Utc>, from: Option<&str>) -> Vec<String> {
    families.sort_unstable();
    families.dedup();
    let begin = match from {
        Some(from) => families.partition_point(|family| family.as_str() < from),
        None => beginning(now.timestamp().div_euclid(3600), families.len()),
    };
    let begin = begin.min(families.len());
    families.rotate_left(begin);
    families
}

/// The place among so many at which the run of an hour since 1970 begins.
fn beginning(hour: i64, families: usize) -> usize {
    // 0.8599… of 2^64: what overflows is what is left of a fraction of one. Found by trying, held by a test.
    const STEP: u64 = 0xDC25_74A9_7C07_B001;
    let fraction = hour.cast_unsigned().wrapping_mul(STEP);
    let place = (u128::from(fraction) * families as u128) >> 64;
    usize::try_from(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("family-{number:04}")).collect()
    }

    #[test]
    fn a_run_goes_on_where_it_is_told() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(order(families(3), now, Some("family-0001")), ["family-0001", "family-0002", "family-0000"]);
        assert_eq!(order(families(3), now, Some("family-0001a")), ["family-0002", "family-0000", "family-0001"]);
        assert_eq!(order(families(3), now, Some("z")), families(3));
        assert!(order(Vec::new(), now, None).is_empty());
    }

    #[test]
    fn every_family_gets_its_turn_soon_whatever_the_schedule() {
        for every in [1, 2, 3, 4, 6, 8, 12, 24, 48, 7 * 24] {
            for parts in [2_usize, 3, 5, 10, 25] {
                let count = 500;
                for first in [0, 490_000, 494_321] {
                    let mut waiting = vec![true; count];
                    let mut runs = 0;
                    while waiting.contains(&true) {
                        let begin = beginning(first + every * runs, count);
                        (0..count / parts).for_each(|step| waiting[(begin + step) % count] = false);
                        runs += 1;
                        assert!(runs <= 4 * parts as i64, "every {every} hours, {parts} parts, from {first}");
                    }
                }
            }
        }
    }
}
