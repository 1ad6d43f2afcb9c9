//! What an action does to one AMI, decided from what EC2 knows of it.

use super::action::Action;
use super::exclusion::Exclusions;
use crate::clock::Time;
use crate::ec2;
use chrono::TimeDelta;

/// EC2 takes no deprecation of a private AMI further ahead.
const MOST: TimeDelta = TimeDelta::days(3653);

/// What becomes of an AMI.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is acted on.
    Act,
    /// There is nothing to do: it is gone, or is what it shall be.
    Already,
    /// An exclusion rule keeps it: why.
    Excluded(String),
    /// EC2 refuses: why.
    Refused(String),
}

/// What EC2 knows of an AMI.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ami<'a> {
    /// The AMI.
    pub(super) ami: &'a ec2::Image,
    /// Whether it can't be deregistered now.
    pub(super) protected: bool,
}

/// Decides. `ami` is what EC2 knows, `None` for one that is gone; `at` is when it counts as deprecated.
///
/// What was changed outside of Image Builder succeeds as if it had been changed here; only what exists is skipped.
pub(super) fn of(action: Action, ami: Option<Ami<'_>>, exclusions: &Exclusions, now: Time, at: Time) -> Fate {
    let Some(Ami { ami, protected }) = ami else {
        return match action {
            Action::Available => Fate::Refused("The AMI doesn't exist any more.".to_owned()),
            _ => Fate::Already,
        };
    };
    if let Some(reason) = exclusions.reason(ami, now) {
        return Fate::Excluded(reason);
    }
    let disabled = ami.state == "disabled";
    match action {
        Action::Available if !disabled && ami.deprecation_time.is_none() => Fate::Already,
        Action::Deprecate if ami.deprecation_time.is_some_and(|deprecated| deprecated <= at) => Fate::Already,
        Action::Deprecate if at > now + MOST => {
            Fate::Refused("EC2 takes no deprecation time more than 10 years ahead.".to_owned())
        }
        Action::Available if ami.is_public() && ami.deprecation_time.is_some() => {
            Fate::Refused("The deprecation of a public AMI can't be cancelled.".to_owned())
        }
        Action::Disable if disabled => Fate::Already,
        Action::Delete if protected => Fate::Refused("The AMI has deregistration protection.".to_owned()),
        _ => Fate::Act,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::ami;
    use super::*;
    use Action::{Available, Delete, Deprecate, Disable};

    #[derive(Debug, PartialEq)]
    enum Kind {
        Act,
        Already,
        Excluded,
        Refused,
    }

    #[test]
    fn an_amis_state_decides_what_becomes_of_it() {
        let now: Time = "2026-03-31T00:00:00Z".parse().unwrap();
        let plain = ami("ami-00000000000000001");
        let with = |change: fn(&mut ec2::Image)| {
            let mut ami = plain.clone();
            change(&mut ami);
            Some(ami)
        };
        let disabled = || with(|ami| ami.state = "disabled".into());
        let deprecated = || with(|ami| ami.deprecation_time = Some("2026-03-30T00:00:00Z".parse().unwrap()));
        let public = || with(|ami| ami.launch_permissions = vec![("Group".into(), "all".into())]);
        let deprecated_public = || {
            let mut ami = public()?;
            ami.deprecation_time = deprecated()?.deprecation_time;
            Some(ami)
        };
        let tagged = || with(|ami| drop(ami.tags.insert("keep".into(), "yes".into())));
        let exclusions = Exclusions { tag_map: [("keep".into(), "yes".into())].into(), ..Exclusions::default() };
        for (action, ami, expected) in [
            (Delete, None, Kind::Already),
            (Disable, None, Kind::Already),
            (Deprecate, None, Kind::Already),
            (Available, None, Kind::Refused),
            (Delete, Some(plain.clone()), Kind::Act),
            (Delete, disabled(), Kind::Act),
            (Delete, public(), Kind::Act),
            (Available, deprecated_public(), Kind::Refused),
            (Disable, disabled(), Kind::Already),
            (Disable, deprecated(), Kind::Act),
            (Deprecate, Some(plain.clone()), Kind::Act),
            (Deprecate, deprecated(), Kind::Already),
            (Available, Some(plain.clone()), Kind::Already),
            (Available, disabled(), Kind::Act),
            (Available, deprecated(), Kind::Act),
            (Delete, tagged(), Kind::Excluded),
            (Deprecate, tagged(), Kind::Excluded),
        ] {
            let known = ami.as_ref().map(|ami| Ami { ami, protected: false });
            let found = match of(action, known, &exclusions, now, now) {
                Fate::Act => Kind::Act,
                Fate::Already => Kind::Already,
                Fate::Excluded(_) => Kind::Excluded,
                Fate::Refused(_) => Kind::Refused,
            };
            assert_eq!(found, expected, "{action:?} {ami:?}");
        }
        let plain = Ami { ami: &plain, protected: false };
        let far = of(Deprecate, Some(plain), &exclusions, now, now + TimeDelta::days(3_660));
        assert!(matches!(far, Fate::Refused(_)));
        let protected = Some(Ami { protected: true, ..plain });
        assert!(matches!(of(Delete, protected, &exclusions, now, now), Fate::Refused(_)));
        assert_eq!(of(Disable, protected, &exclusions, now, now), Fate::Act);
    }
}
