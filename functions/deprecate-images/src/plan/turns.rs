//! In which order families are read, so that a run that has to stop early leaves none behind for good.

/// The order of a run: by name, from the family on at which the run begins, or the next one by name: where the last run
/// stopped. Those before it come last.
pub fn order(mut families: Vec<String>, from: Option<&str>) -> Vec<String> {
    families.sort_unstable();
    families.dedup();
    let begin = from.map_or(0, |from| families.partition_point(|family| family.as_str() < from));
    families.rotate_left(begin);
    families
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("family-{number:04}")).collect()
    }

    #[test]
    fn a_run_goes_on_where_it_is_told() {
        assert_eq!(order(families(3), Some("family-0001")), ["family-0001", "family-0002", "family-0000"]);
        assert_eq!(order(families(3), Some("family-0001a")), ["family-0002", "family-0000", "family-0001"]);
        assert_eq!(order(families(3), Some("z")), families(3));
        assert_eq!(order(families(3), None), families(3));
        assert!(order(Vec::new(), Some("family-0000")).is_empty());
    }
}
