//! Who is whose parent: the pipelines whose new builds another pipeline's recipe selects.
//!
//! Only what moves ties two pipelines. A recipe that names one build or one AMI stays with it, whatever its maker does.
//! Which versions are AVAILABLE doesn't matter here, so that a cycle doesn't come and go with them.

use crate::plan::{Facts, Recipe};
use shared::arn::{Arn, ImageBuildArn, VersionedArn};
use shared::inputs::same;
use shared::version::{Version, VersionPattern};
use std::collections::BTreeMap;

/// The pipelines in the facts' order, by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    parents: Vec<Vec<usize>>,
    order: Vec<usize>,
    cycles: Vec<Vec<usize>>,
}

/// What a new build has to be to become a recipe's parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Awaited {
    family: Family,
    versions: VersionPattern,
    /// The build that is the parent now; only newer ones take its place.
    now: Option<(Version, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Family {
    partition: String,
    region: String,
    account: String,
    name: String,
}

impl Awaited {
    /// Nothing for a parent that doesn't move, or not with builds of Image Builder.
    pub(crate) fn of(facts: &Facts, recipe: &Recipe) -> Option<Self> {
        let now = build_behind(facts, &recipe.parent);
        if recipe.parent.starts_with("ssm:") {
            // Whoever writes the parameter publishes newer builds of the family that it holds.
            let now = now?;
            return Some(Self { family: Family::of_build(&now), versions: any(), now: Some(now.order()) });
        }
        let VersionedArn { arn, kind, name, version: versions, build } = recipe.parent.parse().ok()?;
        if kind != "image" || build.is_some() {
            return None;
        }
        Some(Self { family: Family::new(arn, name), versions, now: now.map(|now| now.order()) })
    }

    /// Whether a build that isn't AVAILABLE yet will be the parent once it is.
    pub(crate) fn includes(&self, build: &ImageBuildArn) -> bool {
        Family::of_build(build) == self.family && self.takes(build.order())
    }

    /// Whether the next build of a recipe will be the parent once it is AVAILABLE.
    pub(crate) fn includes_next(&self, recipe: &Recipe) -> bool {
        // The next build has the highest number of its version.
        let order = recipe.arn.version.exact().map(|version| (version, u32::MAX));
        Family::of_recipe(recipe) == self.family && order.is_some_and(|order| self.takes(order))
    }

    fn takes(&self, order: (Version, u32)) -> bool {
        self.versions.matches(order.0) && self.now.is_none_or(|now| now < order)
    }
}

/// The build that a parent stands for now, by its ARN or by its AMI.
pub(crate) fn build_behind(facts: &Facts, parent: &str) -> Option<ImageBuildArn> {
    let to = facts.stands_for(parent)?;
    facts.amis.get(to).cloned().or_else(|| to.parse().ok())
}

/// Whether a recipe's parent stands for this very build now.
pub(crate) fn stands_on(facts: &Facts, recipe: &Recipe, build: &ImageBuildArn) -> bool {
    let behind = build_behind(facts, &recipe.parent);
    behind.is_some_and(|behind| same(&behind.to_string(), &build.to_string(), &recipe.arn.arn.account))
}

impl Family {
    fn new(arn: Arn, name: String) -> Self {
        Self { partition: arn.partition, region: arn.region, account: arn.account, name }
    }

    fn of_recipe(recipe: &Recipe) -> Self {
        Self::new(recipe.arn.arn.clone(), recipe.arn.name.clone())
    }

    fn of_build(build: &ImageBuildArn) -> Self {
        let ImageBuildArn { partition, region, account, family, .. } = build.clone();
        Self { partition, region, account, name: family }
    }
}

fn any() -> VersionPattern {
    "x.x.x".parse().expect("the widest pattern")
}

impl Graph {
    /// The graph of all pipelines. One whose recipe isn't known has neither parents nor children.
    pub fn new(facts: &Facts) -> Self {
        let mut makers: BTreeMap<Family, Vec<(usize, Version)>> = BTreeMap::new();
        for (index, pipeline) in facts.pipelines.iter().enumerate() {
            let Some(recipe) = facts.recipe(pipeline) else { continue };
            if let Some(version) = recipe.arn.version.exact() {
                makers.entry(Family::of_recipe(recipe)).or_default().push((index, version));
            }
        }
        let parents = facts.pipelines.iter().map(|pipeline| {
            let Some(awaited) = facts.recipe(pipeline).and_then(|recipe| Awaited::of(facts, recipe)) else {
                return Vec::new();
            };
            let makers = makers.get(&awaited.family).into_iter().flatten();
            makers.filter(|(_, version)| awaited.versions.matches(*version)).map(|(index, _)| *index).collect()
        });
        let parents: Vec<Vec<usize>> = parents.collect();
        let names: Vec<&str> = facts.pipelines.iter().map(|pipeline| pipeline.arn.as_str()).collect();
        Self::of(parents, &names)
    }

    /// By parents and names; the names decide the order of what is equally far from the roots.
    fn of(mut parents: Vec<Vec<usize>>, names: &[&str]) -> Self {
        for parents in &mut parents {
            parents.sort_by_key(|parent| names[*parent]);
        }
        let found = vec![None; parents.len()];
        let mut search = Search { parents: &parents, found, count: 0, open: Vec::new(), groups: Vec::new() };
        for node in 0..parents.len() {
            if search.found[node].is_none() {
                search.visit(node);
            }
        }
        // Groups come parents first: each one's depth is known before its children's.
        let groups = search.groups;
        let mut depths = vec![0_usize; parents.len()];
        let mut cycles = Vec::new();
        for mut group in groups {
            let above = |node: &usize| parents[*node].iter().filter(|parent| !group.contains(parent));
            let depth = group.iter().flat_map(above).map(|parent| depths[*parent] + 1).max().unwrap_or(0);
            for node in &group {
                depths[*node] = depth;
            }
            if group.len() > 1 || parents[group[0]].contains(&group[0]) {
                group.sort_by_key(|node| names[*node]);
                cycles.push(group);
            }
        }
        let mut order: Vec<usize> = (0..parents.len()).collect();
        order.sort_by_key(|node| (depths[*node], names[*node]));
        cycles.sort_by_key(|cycle| names[cycle[0]]);
        Self { parents, order, cycles }
    }

    /// Parents before children, roots first.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The pipelines whose builds this one's recipe selects, one of which is its parent.
    pub fn parents(&self, pipeline: usize) -> &[usize] {
        &self.parents[pipeline]
    }

    /// Pipelines that are their own ancestors, each group of them that hangs together once.
    pub fn cycles(&self) -> &[Vec<usize>] {
        &self.cycles
    }

    /// The pipelines of a set, and all that stand above them.
    pub(crate) fn with_ancestors(&self, pipelines: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut found = vec![false; self.parents.len()];
        let mut open: Vec<usize> = pipelines.into_iter().collect();
        while let Some(pipeline) = open.pop() {
            if !std::mem::replace(&mut found[pipeline], true) {
                open.extend(&self.parents[pipeline]);
            }
        }
        (0..found.len()).filter(|pipeline| found[*pipeline]).collect()
    }
}

/// Tarjan's search for what hangs together: <https://doi.org/10.1137/0201010>.
struct Search<'a> {
    parents: &'a [Vec<usize>],
    /// When each node was found; [`DONE`] once its group is complete.
    found: Vec<Option<usize>>,
    count: usize,
    open: Vec<usize>,
    /// What hangs together, parents before children.
    groups: Vec<Vec<usize>>,
}

/// Later than any node is found.
const DONE: usize = usize::MAX;

impl Search<'_> {
    /// Answers when the earliest open node was found that this one leads back to.
    fn visit(&mut self, node: usize) -> usize {
        let own = self.count;
        self.count += 1;
        self.found[node] = Some(own);
        self.open.push(node);
        let mut back = own;
        let parents = self.parents;
        for &parent in &parents[node] {
            back = back.min(self.found[parent].unwrap_or_else(|| self.visit(parent)));
        }
        if back < own {
            return back;
        }
        let start =
            self.open.iter().rposition(|open| *open == node).expect("a node is open until its group is complete");
        let group = self.open.split_off(start);
        for &node in &group {
            self.found[node] = Some(DONE);
        }
        self.groups.push(group);
        DONE
    }
}

#[cfg(test)]
mod tests;
