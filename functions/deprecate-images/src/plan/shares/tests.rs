use super::*;
use proptest::prelude::*;

fn at(region: &str, account: &str) -> At {
    At { region: region.to_owned(), account: account.to_owned() }
}

fn shares(accounts: &[&str], organizations: &[&str]) -> Shares {
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Shares { accounts: set(accounts), organizations: set(organizations), public: false }
}

const OU: &str = "arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-11111111";

#[test]
fn places_with_the_same_permissions_share_their_words() {
    let both = shares(&["111122223333", "444455556666"], &[OU]);
    let all = [
        (at("us-east-1", "123456789012"), both.clone()),
        (at("eu-west-1", "123456789012"), both),
        (at("eu-west-1", "444455556666"), shares(&["111122223333"], &[])),
        (at("us-west-2", "123456789012"), Shares::default()),
    ];
    let tags = encode(&all.into(), 0).unwrap();
    let values: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        values,
        [(
            "goldsmith:shares-1",
            "01 eu-west-1/444455556666 111122223333 eu-west-1/123456789012 us-east-1/123456789012 111122223333 \
             444455556666 arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-11111111"
        )]
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let many = |count: u64| {
        let accounts = (0..count).map(|number| format!("{number:012}")).collect();
        [(at("us-east-1", "123456789012"), Shares { accounts, ..Shares::default() })].into()
    };
    assert_eq!(encode(&many(200), 3).map(|tags| tags.len()), Some(11));
    assert!(encode(&many(880), 3).is_some() && encode(&many(900), 3).is_none());
    assert!(encode(&many(200), 39).is_some() && encode(&many(200), 40).is_none());
    let public = Shares { public: true, ..Shares::default() };
    assert!(encode(&[(at("us-east-1", "123456789012"), public)].into(), 0).is_none());
    assert_eq!(encode(&many(0), 50), Some(BTreeMap::new()), "nothing to keep");
}

#[test]
fn tags_that_somebody_changed_are_noticed() {
    for tags in [
        &[("goldsmith:shares-2", "111122223333")][..],
        &[("goldsmith:shares-1", "02 us-east-1/123456789012 111122223333")],
        &[("goldsmith:shares-1", "us-east-1/123456789012 111122223333")],
        &[("goldsmith:shares-1", "01 111122223333")],
        &[("goldsmith:shares-1", "01 us-east-1/123456789012 somebody")],
        &[("goldsmith:shares-1", "")],
    ] {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert!(decode(&tags).is_err(), "{tags:?}");
    }
    assert_eq!(decode(&[("goldsmith:keep".to_owned(), "5".to_owned())].into()), Ok(BTreeMap::new()));
}

fn any_shares() -> impl Strategy<Value = Shares> {
    let accounts = prop::collection::btree_set("[0-9]{12}", 0..40);
    let organizations = prop::collection::btree_set(
        prop_oneof![
            "arn:aws:organizations::[0-9]{12}:organization/o-[a-z0-9]{10,32}",
            "arn:aws-cn:organizations::[0-9]{12}:ou/o-[a-z0-9]{10}/ou-[a-z0-9]{4}-[a-z0-9]{8,32}"
        ],
        0..4,
    );
    (accounts, organizations).prop_map(|(accounts, organizations)| Shares { accounts, organizations, public: false })
}

fn any_place() -> impl Strategy<Value = At> {
    ("(us|eu|ap)-(east|west|south)-[1-3]", "[0-9]{12}").prop_map(|(region, account)| At { region, account })
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(all in prop::collection::btree_map(any_place(), any_shares(), 0..12), more in 0..5_u32) {
        let Some(mut tags) = encode(&all, 2) else { return Ok(()) };
        for (key, value) in &tags {
            let legal = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
            prop_assert!(value.len() <= 256 && value.chars().all(legal) && value.trim() == value, "{}: {}", key, value);
        }
        prop_assert!(tags.len() <= 48);
        let count = tags.len() as u32;
        // More tags of an earlier time do no harm.
        for number in count + 1..=count + more {
            if count > 0 {
                tags.insert(format!("{SHARES}{number}"), "444455556666".to_owned());
            }
        }
        let shared: BTreeMap<At, Shares> = all.into_iter().filter(|(_, shares)| !shares.is_empty()).collect();
        prop_assert_eq!(decode(&tags), Ok(shared));
        if count > 0 {
            tags.remove(&format!("{SHARES}{count}"));
            prop_assert!(decode(&tags).is_err() || (count == 1 && more == 0));
        }
    }
}
