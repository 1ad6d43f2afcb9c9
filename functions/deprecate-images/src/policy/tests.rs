use super::*;

const DEFAULTS: Policy = Policy {
    never: false,
    keep: 3,
    deprecate_after: Age::days(30),
    disable_after: Age::days(20),
    delete_after: Age::days(60),
};

fn pipeline(name: &str, tags: &[(&str, &str)]) -> Pipeline {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Pipeline { name: name.to_owned(), tags }
}

#[test]
fn tags_override_the_defaults() {
    assert_eq!(Policy::of(&[], &DEFAULTS), Ok(DEFAULTS));
    assert_eq!(Policy::of(&[pipeline("web", &[("goldsmith:start", "never")])], &DEFAULTS), Ok(DEFAULTS));
    let tags = [
        (tags::KEEP, "1"),
        (tags::DEPRECATE_AFTER, "12h"),
        (tags::DISABLE_AFTER, "2w"),
        (tags::DELETE_AFTER, "90d"),
        (tags::RETIRE, "never"),
    ];
    let expected = Policy {
        never: true,
        keep: 1,
        deprecate_after: "12h".parse().unwrap(),
        disable_after: Age::days(14),
        delete_after: Age::days(90),
    };
    assert_eq!(Policy::of(&[pipeline("web", &tags)], &DEFAULTS), Ok(expected));
}

#[test]
fn of_several_pipelines_the_most_careful_values_count() {
    let less = pipeline("one", &[(tags::KEEP, "2"), (tags::DEPRECATE_AFTER, "40d"), (tags::DISABLE_AFTER, "1d")]);
    let more = pipeline("two", &[(tags::KEEP, "4"), (tags::DEPRECATE_AFTER, "35d"), (tags::DISABLE_AFTER, "2d")]);
    let of_both = Policy { keep: 4, deprecate_after: Age::days(40), disable_after: Age::days(2), ..DEFAULTS };
    assert_eq!(Policy::of(&[less.clone(), more.clone()], &DEFAULTS), Ok(of_both));
    assert_eq!(Policy::of(&[more, less.clone()], &DEFAULTS), Ok(of_both));
    // A pipeline without tags has the defaults.
    let with_defaults = Policy { deprecate_after: Age::days(40), ..DEFAULTS };
    assert_eq!(Policy::of(&[less, pipeline("three", &[])], &DEFAULTS), Ok(with_defaults));
}

#[test]
fn every_tag_that_can_not_be_read_is_named() {
    let bad = [
        (tags::KEEP, "0"),
        (tags::DEPRECATE_AFTER, "30"),
        (tags::DISABLE_AFTER, "0d"),
        (tags::DELETE_AFTER, ""),
        (tags::RETIRE, "no"),
    ];
    let problems = Policy::of(&[pipeline("web", &bad), pipeline("app", &[(tags::KEEP, "-1")])], &DEFAULTS).unwrap_err();
    let named: Vec<_> = problems.iter().map(|problem| (problem.pipeline.as_str(), problem.tag)).collect();
    let web = [tags::RETIRE, tags::KEEP, tags::DEPRECATE_AFTER, tags::DISABLE_AFTER, tags::DELETE_AFTER];
    assert_eq!(named, [web.map(|tag| ("web", tag)).as_slice(), &[("app", tags::KEEP)]].concat());
    assert_eq!(
        problems[2].to_string(),
        "the tag goldsmith:deprecate-after=30 of web can't be read: expected a number with h, d or w behind it, such as \
         30d, from 1h to 3650d"
    );
}
