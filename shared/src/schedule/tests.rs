use super::*;
use proptest::prelude::*;

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn next(expression: &str, zone: Tz, after: &str) -> Option<String> {
    let anchor = time("2026-01-01T00:00:00Z");
    Expression::parse(expression)
        .unwrap()
        .next_after(time(after), zone, anchor)
        .map(|it| it.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

#[test]
fn known_cases() {
    let utc = Tz::UTC;
    let new_york = Tz::America__New_York;
    let berlin = Tz::Europe__Berlin;
    let table = [
        ("cron(0 0 ? * SUN *)", utc, "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
        ("cron(0 0 ? * 1 *)", utc, "2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"),
        ("cron(15 10 ? * MON-FRI *)", utc, "2026-01-02T10:15:00Z", "2026-01-05T10:15:00Z"),
        ("cron(0/15 * * * ? *)", utc, "2026-01-01T10:14:59Z", "2026-01-01T10:15:00Z"),
        ("cron(*/20 8-9 * * ? *)", utc, "2026-01-01T09:40:00Z", "2026-01-02T08:00:00Z"),
        ("cron(0 8 1 JAN,jul ? *)", utc, "2026-01-01T08:00:00Z", "2026-07-01T08:00:00Z"),
        ("cron(0 0 L * ? *)", utc, "2028-02-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("cron(0 0 29 2 ? *)", utc, "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("cron(0 0 15W * ? *)", utc, "2026-03-01T00:00:00Z", "2026-03-16T00:00:00Z"),
        ("cron(0 0 1W * ? *)", utc, "2026-07-31T00:00:00Z", "2026-08-03T00:00:00Z"),
        ("cron(0 0 31W * ? *)", utc, "2026-05-01T00:00:00Z", "2026-05-29T00:00:00Z"),
        ("cron(0 0 ? * 6#3 *)", utc, "2026-01-01T00:00:00Z", "2026-01-16T00:00:00Z"),
        ("cron(0 0 ? * TUE#5 *)", utc, "2026-01-01T00:00:00Z", "2026-03-31T00:00:00Z"),
        ("cron(0 0 ? * 5L *)", utc, "2026-01-01T00:00:00Z", "2026-01-29T00:00:00Z"),
        ("cron(0 0 ? * L *)", utc, "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"),
        ("cron(0 12 1 1 ? 2030)", utc, "2026-01-01T00:00:00Z", "2030-01-01T12:00:00Z"),
        ("cron(0 0 * * *)", utc, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("cron(0 0 * * SUN)", utc, "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
        ("cron(30 9 * * ? *)", new_york, "2026-01-01T00:00:00Z", "2026-01-01T14:30:00Z"),
        // 02:30 doesn't exist on 8 March 2026 in New York: the clocks jump from 02:00 to 03:00, 07:00Z.
        ("cron(30 2 * * ? *)", new_york, "2026-03-07T12:00:00Z", "2026-03-08T07:00:00Z"),
        ("cron(30 2 * * ? *)", new_york, "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"),
        // 02:30 comes twice on 25 October 2026 in Berlin, 00:30Z and 01:30Z.
        ("cron(30 2 * * ? *)", berlin, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        ("cron(30 2 * * ? *)", berlin, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("rate(1 day)", utc, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("rate(5 minutes)", utc, "2026-01-01T00:04:59Z", "2026-01-01T00:05:00Z"),
        ("rate(12 hours)", utc, "2025-12-01T00:00:00Z", "2026-01-01T12:00:00Z"),
        ("at(2026-02-01T08:00:00)", berlin, "2026-01-01T00:00:00Z", "2026-02-01T07:00:00Z"),
    ];
    for (expression, zone, after, expected) in table {
        assert_eq!(next(expression, zone, after).as_deref(), Some(expected), "{expression} after {after}");
    }
}

#[test]
fn what_never_comes_is_none() {
    for expression in ["cron(0 0 30 2 ? *)", "cron(0 0 1 1 ? 2020)", "at(2020-01-01T00:00:00)"] {
        assert_eq!(next(expression, Tz::UTC, "2026-01-01T00:00:00Z"), None, "{expression}");
    }
}

#[test]
fn bad_expressions_are_refused_with_the_reason() {
    let table = [
        ("every day", "neither cron"),
        ("cron(0 0 * *)", "4 fields"),
        ("cron(0 0 * * * *)", "must be ?"),
        ("cron(0 0 1 * MON *)", "must be ?"),
        ("cron(0 0 ? * ? *)", "only one"),
        ("cron(0 0 1 * MON)", "must be ?"),
        ("cron(60 0 * * ? *)", "minutes"),
        ("cron(0 24 * * ? *)", "hours"),
        ("cron(0 0 ? * 0 *)", "day-of-week"),
        ("cron(0 0 0 * ? *)", "day-of-month"),
        ("cron(0 0 ? * 2#6 *)", "day-of-week"),
        ("cron(0 0 * 13 ? *)", "month"),
        ("cron(0 0 * * ? 1969)", "year"),
        ("cron(0/0 0 * * ? *)", "minutes"),
        ("cron(30-10 0 * * ? *)", "backwards"),
        ("rate(1 days)", "singular"),
        ("rate(2 day)", "plural"),
        ("rate(0 days)", "positive"),
        ("rate(5 weeks)", "positive"),
        ("at(tomorrow)", "yyyy-mm-dd"),
    ];
    for (expression, reason) in table {
        let error = Expression::parse(expression).unwrap_err();
        assert!(error.contains(reason), "{expression}: {error}");
    }
}

proptest! {
    #[test]
    fn the_next_time_is_later_and_in_order(
        seconds in 1_700_000_000_i64..2_000_000_000,
        gap in 0_i64..200_000,
        which in 0_usize..8,
        zone in 0_usize..4,
    ) {
        let expression = [
            "cron(30 2 * * ? *)", "cron(0/7 * * * ? *)", "cron(0 0 ? * MON#2 *)", "cron(59 23 L * ? *)",
            "cron(15 1 15W * ? *)", "rate(7 hours)", "rate(1 minute)", "cron(0 0 * * SAT)",
        ][which];
        let zone = [Tz::UTC, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Africa__Cairo][zone];
        let expression = Expression::parse(expression).unwrap();
        let anchor = time("2026-01-01T00:00:00Z");
        let earlier = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let later = earlier + TimeDelta::seconds(gap);
        let first = expression.next_after(earlier, zone, anchor).unwrap();
        let second = expression.next_after(later, zone, anchor).unwrap();
        prop_assert!(first > earlier);
        prop_assert!(second > later);
        prop_assert!(first <= second);
        // Nothing lies between: asking just before the answer gives it again.
        prop_assert_eq!(expression.next_after(first - TimeDelta::seconds(1), zone, anchor), Some(first));
    }
}
