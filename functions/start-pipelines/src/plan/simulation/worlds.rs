//! Random worlds: pipelines, their recipes, and what changes in them.

use super::*;
use proptest::prelude::*;

/// The patterns by which a recipe selects its parent's version.
const PATTERNS: [&str; 5] = ["x.x.x", "1.x.x", "1.0.x", "1.0.0", "2.0.0"];
const VERSIONS: [&str; 4] = ["1.0.0", "1.0.1", "1.1.0", "2.0.0"];
const MANAGED: [&str; 3] = ["amazon-linux-2-x86", "amazon-linux-2023-x86", "windows-server-2022-english-full-base-x86"];
const PARAMETERS: [&str; 2] =
    ["ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "ami-windows-latest/Windows_Server-2022"];
const COMPONENTS: usize = 4;
/// The build that was there before a family's pipelines, if a recipe names it or the family's parameter.
const IMPORTED: &str = "0.0.1/1";

/// A pipeline as it is drawn. Numbers are taken modulo what there is to choose from.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    family: usize,
    version: usize,
    parent: Parent,
    components: BTreeSet<usize>,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum Parent {
    Managed(usize),
    PublicParameter(usize),
    Ami,
    /// A family before this one.
    Above(usize, usize),
    /// Any family: what makes cycles.
    Any(usize, usize),
    /// The parameter of a family before this one.
    Published(usize),
    /// The build that was there before.
    OneBuild(usize),
    Nowhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
    Never,
    WithoutRecipe,
}

/// What happens in a world that was settled.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Managed(usize),
    PublicParameter(usize),
    Component(usize),
    /// A pipeline's newest AVAILABLE build is deprecated.
    Deprecate(usize),
    /// A pipeline gets another version of its recipe.
    Recipe(usize, usize),
}

fn parent() -> impl Strategy<Value = Parent> {
    let any = 0..1000_usize;
    prop_oneof![
        4 => any.clone().prop_map(Parent::Managed),
        2 => any.clone().prop_map(Parent::PublicParameter),
        1 => Just(Parent::Ami),
        12 => (any.clone(), any.clone()).prop_map(|(family, pattern)| Parent::Above(family, pattern)),
        1 => (any.clone(), any.clone()).prop_map(|(family, pattern)| Parent::Any(family, pattern)),
        3 => any.clone().prop_map(Parent::Published),
        1 => any.prop_map(Parent::OneBuild),
        1 => Just(Parent::Nowhere),
    ]
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let state = prop_oneof![
        20 => Just(State::Enabled), 1 => Just(State::Disabled), 1 => Just(State::Never), 1 => Just(State::WithoutRecipe)
    ];
    let components = proptest::collection::btree_set(0..COMPONENTS, 0..3);
    let numbers = (0..1000_usize, 0..VERSIONS.len());
    (numbers, parent(), components, state).prop_map(|((family, version), parent, components, state)| Drawn {
        family,
        version,
        parent,
        components,
        state,
    })
}

/// Up to 200 pipelines.
pub(super) fn pipelines() -> impl Strategy<Value = Vec<Drawn>> {
    let of = |count: std::ops::Range<usize>| proptest::collection::vec(drawn(), count);
    prop_oneof![6 => of(1..12), 3 => of(12..60), 1 => of(60..201)]
}

pub(super) fn events() -> impl Strategy<Value = Vec<Event>> {
    let any = 0..1000_usize;
    let event = prop_oneof![
        3 => any.clone().prop_map(Event::Managed),
        2 => any.clone().prop_map(Event::PublicParameter),
        3 => any.clone().prop_map(Event::Component),
        2 => any.clone().prop_map(Event::Deprecate),
        2 => (any, 0..VERSIONS.len()).prop_map(|(pipeline, version)| Event::Recipe(pipeline, version)),
    ];
    proptest::collection::vec(event, 1..8)
}

fn component(number: usize, version: &str) -> String {
    arn(&format!("component/c{number}/{version}"))
}

fn parameter(number: usize) -> String {
    format!("ssm:/aws/service/{}", PARAMETERS[number % PARAMETERS.len()])
}

fn managed(number: usize, version: &str) -> String {
    amazons(&format!("image/{}/{version}", MANAGED[number % MANAGED.len()]))
}

fn reference(parent: Parent, own: usize, families: usize) -> String {
    let family = |family: usize, pattern: &str| arn(&format!("image/f{family}/{pattern}"));
    match parent {
        Parent::Any(any, pattern) => family(any % families, PATTERNS[pattern % PATTERNS.len()]),
        Parent::Above(above, pattern) if own > 0 => family(above % own, PATTERNS[pattern % PATTERNS.len()]),
        Parent::OneBuild(above) if own > 0 => family(above % own, IMPORTED),
        Parent::Published(above) if own > 0 => format!("ssm:/golden-images/f{}", above % own),
        Parent::PublicParameter(number) => parameter(number),
        Parent::Ami => "ami-0".to_owned(),
        Parent::Nowhere => arn("image/nowhere/x.x.x"),
        Parent::Managed(number) | Parent::Above(number, _) | Parent::OneBuild(number) | Parent::Published(number) => {
            managed(number, "x.x.x")
        }
    }
}

/// A world in which nothing was built yet.
pub(super) fn world(drawn: &[Drawn], seed: u64) -> World {
    let mut facts = facts(Cause::sweep());
    let families = drawn.len() * 2 / 3 + 1;
    let mut imported = Vec::new();
    for (number, Drawn { family, version, parent, components, state }) in drawn.iter().enumerate() {
        let family = family % families;
        let resource = format!("image-recipe/f{family}/{}", VERSIONS[*version]);
        if let Parent::OneBuild(above) | Parent::Published(above) = parent
            && family > 0
        {
            imported.push(build_arn(&format!("f{}/{IMPORTED}", above % family)));
        }
        let components: Vec<String> = components.iter().map(|number| component(*number, "x.x.x")).collect();
        let components: Vec<&str> = components.iter().map(String::as_str).collect();
        let made = recipe(&resource, &reference(*parent, family, families), &components);
        // The first pipeline of several that share a recipe says what it holds.
        facts.recipes.entry(arn(&resource)).or_insert(Known::Is(made));
        let mut pipeline = pipeline(&format!("p{number:03}"), &resource);
        pipeline.enabled = *state != State::Disabled;
        if *state == State::Never {
            pipeline.tags.insert(shared::tags::START.to_owned(), "never".to_owned());
        }
        if *state == State::WithoutRecipe {
            pipeline.recipe = arn(&format!("image-recipe/gone-{number}/1.0.0"));
            facts.recipes.insert(pipeline.recipe.clone(), Known::Gone("it was deleted".to_owned()));
        }
        facts.builds.insert(pipeline.arn.clone(), Known::Is(Vec::new()));
        facts.pipelines.push(pipeline);
    }
    for number in 0..MANAGED.len() {
        facts.resolve(&managed(number, "x.x.x"), &managed(number, "1.0.0/1"));
    }
    for number in 0..PARAMETERS.len() {
        facts.resolve(&parameter(number), &format!("ami-public-{number}-1"));
    }
    for number in 0..COMPONENTS {
        facts.resolve(&component(number, "x.x.x"), &component(number, "1.0.0/1"));
    }
    World::new(facts, imported, seed)
}

impl World {
    /// `round` tells the same event at one time from that at another.
    pub(super) fn happen(&mut self, event: Event, round: usize) {
        match event {
            Event::Managed(number) => {
                self.facts.resolve(&managed(number, "x.x.x"), &managed(number, &format!("2.{round}.0/1")));
            }
            Event::PublicParameter(number) => {
                self.facts.resolve(&parameter(number), &format!("ami-public-{number}-2-{round}"));
            }
            Event::Component(number) => {
                let number = number % COMPONENTS;
                self.facts.resolve(&component(number, "x.x.x"), &component(number, &format!("2.{round}.0/1")));
            }
            Event::Deprecate(number) => {
                let pipeline = self.facts.pipelines[number % self.facts.pipelines.len()].arn.clone();
                let last = self.builds_mut(&pipeline).iter_mut().find(|build| build.status == Status::Available);
                if let Some(last) = last {
                    last.status = Status::Deprecated;
                }
            }
            Event::Recipe(number, version) => {
                let index = number % self.facts.pipelines.len();
                let Some(old) = self.facts.recipe(&self.facts.pipelines[index]).cloned() else { return };
                let resource = format!("image-recipe/{}/{}", old.arn.name, VERSIONS[version]);
                let new = Recipe { arn: arn(&resource).parse().unwrap(), ..old };
                self.facts.recipes.entry(arn(&resource)).or_insert(Known::Is(new));
                self.facts.pipelines[index].recipe = arn(&resource);
            }
        }
        self.resolve();
    }
}

impl Event {
    /// What Amazon says of it, if it is Amazon's.
    pub(super) fn hint(self) -> Option<Cause> {
        let hint = match self {
            Self::Managed(number) => [BaseImage::AmazonLinux2, BaseImage::AmazonLinux2023, BaseImage::Windows]
                [number % MANAGED.len()]
            .clone(),
            Self::PublicParameter(number) => {
                [BaseImage::AmazonLinux2023, BaseImage::Windows][number % PARAMETERS.len()].clone()
            }
            Self::Component(_) | Self::Deprecate(_) | Self::Recipe(..) => return None,
        };
        Some(Cause::BaseImage(hint))
    }
}
