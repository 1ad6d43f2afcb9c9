use super::*;
use proptest::prelude::*;

const HOUR: TimeDelta = TimeDelta::hours(1);

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn wrong(key: &str, minutes: i64) -> Case<'_> {
    Case::Wrong { key, mark: at(minutes), since: at(minutes) }
}

fn fine(minutes: i64) -> Case<'static> {
    Case::Fine { mark: at(minutes) }
}

/// Tells a story, one case a line, and what was told of each: `T` the trouble with how often it occurred, `O` that it
/// is over, `-` nothing. What is remembered goes through the tag's text each time.
fn told(story: &[(Case<'_>, i64)]) -> String {
    let mut memory = Memory::default();
    let mut told = Vec::new();
    for (case, now) in story {
        let (next, tell) = memory.after(case, at(*now), HOUR);
        assert_eq!(Memory::read(&next.to_string()), next);
        assert!(next.to_string().len() <= 256);
        memory = next;
        told.push(match tell {
            Tell::Nothing => "-".to_owned(),
            Tell::Trouble(Times { total, untold, .. }) => format!("T{total}/{untold}"),
            Tell::Over(_) => "O".to_owned(),
        });
    }
    told.join(" ")
}

const A: &str = "aaaaaaaa";
const B: &str = "bbbbbbbb";

#[test]
fn a_cause_is_told_once_and_its_end_once() {
    for (story, expected) in [
        (vec![(wrong(A, 0), 0), (wrong(A, 0), 5), (wrong(A, 0), 500)], "T1/0 - -"),
        // Repeats are counted, and told when the time is up.
        (vec![(wrong(A, 0), 0), (wrong(A, 20), 20), (wrong(A, 40), 40), (wrong(A, 60), 60)], "T1/0 - - T4/2"),
        (vec![(wrong(A, 0), 0), (wrong(A, 20), 20), (wrong(A, 20), 90)], "T1/0 - T2/0"),
        (vec![(wrong(A, 0), 0), (fine(10), 10), (fine(10), 11), (fine(200), 200)], "T1/0 O - -"),
        // Another cause is another report; one end for both.
        (vec![(wrong(A, 0), 0), (wrong(B, 10), 10), (wrong(A, 20), 20), (fine(30), 30)], "T1/0 T1/0 - O"),
        // It comes back soon: counted; nothing to end; told when the time is up and it is still there.
        (vec![(wrong(A, 0), 0), (fine(10), 10), (wrong(A, 20), 20), (fine(30), 30)], "T1/0 O - -"),
        (vec![(wrong(A, 0), 0), (fine(10), 10), (wrong(A, 20), 20), (wrong(A, 20), 70)], "T1/0 O - T1/0"),
        // It comes back late: a new one.
        (vec![(wrong(A, 0), 0), (fine(10), 10), (fine(100), 100), (wrong(A, 200), 200)], "T1/0 O - T1/0"),
        (vec![(fine(0), 0)], "-"),
    ] {
        assert_eq!(told(&story), expected, "{story:?}");
    }
}

#[test]
fn an_older_build_or_event_is_no_recovery() {
    let story = [(wrong(A, 50), 60), (fine(40), 61), (fine(50), 62)];
    assert_eq!(told(&story), "T1/0 - O", "the build itself recovers, an older one shows nothing");
    // A late event counts nothing and tells nothing.
    assert_eq!(told(&[(wrong(A, 100), 100), (wrong(A, 10), 10), (wrong(A, 100), 100)]), "T1/0 - -");
}

#[test]
fn a_tag_holds_the_five_last_causes_and_ignores_what_it_can_not_read() {
    let mut memory = Memory::default();
    for n in 0..9 {
        let key = key(&["cause", &n.to_string()]);
        let (next, tell) = memory.after(&wrong(&key, n * 600), at(n * 600), HOUR);
        assert!(matches!(tell, Tell::Trouble(_)));
        memory = next;
    }
    assert_eq!(memory.entries.len(), MOST);
    let text = memory.to_string();
    assert!(text.len() <= 256 && text.chars().all(|c| c.is_ascii_alphanumeric() || " .".contains(c)), "{text}");
    assert_eq!(Memory::read(&format!("hello {text} ozz.1.2.3.4.5 x o")), memory);
    for text in ["", "note by hand", "oaaaaaaaa.0.0.0.1000.0", "oaaaaaaaa.0.0.0.1", "ö"] {
        assert!(Memory::read(text).is_empty(), "{text}");
    }
    insta::assert_snapshot!(told(&[(wrong(A, 0), 0)]), @"T1/0");
    let (memory, _) = Memory::default().after(&wrong(A, 0), at(1), HOUR);
    insta::assert_snapshot!(memory, @"oaaaaaaaa.6afd86c0.6afd86fc.6afd86c0.1.0");
}

proptest! {
    /// Whatever happens, in whichever order, as long as no event is late by a whole period: at most one report of a
    /// cause in a period, and no end of what wasn't told.
    #[test]
    fn at_most_one_per_cause_and_period(
        story in prop::collection::vec((0usize..6, 0i64..1000, 0i64..140), 0..80),
    ) {
        let keys: Vec<_> = (0..MOST).map(|n| key(&[&n.to_string()])).collect();
        let mut memory = Memory::default();
        let mut sent: std::collections::BTreeMap<&str, Vec<i64>> = std::collections::BTreeMap::new();
        let mut open = false;
        let mut latest = 0;
        for (what, mark, step) in story {
            // An event is up to 59 minutes late, or the newest so far.
            let now = (latest + step - 59).max(0);
            latest = latest.max(now);
            let case = match keys.get(what) {
                Some(key) => wrong(key, mark),
                None => fine(mark),
            };
            let (next, tell) = memory.after(&case, at(now), HOUR);
            let again = next.after(&case, at(now), HOUR);
            prop_assert_eq!(again, (next.clone(), Tell::Nothing), "the same again tells nothing");
            memory = Memory::read(&next.to_string());
            match tell {
                Tell::Nothing => {}
                Tell::Over(_) => {
                    prop_assert!(open);
                    open = false;
                }
                Tell::Trouble(_) => {
                    open = true;
                    let times = sent.entry(&keys[what]).or_default();
                    prop_assert!(times.last().is_none_or(|last| now - last >= 60), "{:?} {}", times, now);
                    times.push(now);
                }
            }
        }
    }
}
