//! What a build was made of, beside what the last good one was made of.

use super::words::{columns, short};
use shared::inputs::{Inputs, alike, same};

/// A line for each input that differs, in columns: what it is, then, now.
pub(super) fn side_by_side(then: &Inputs, now: &Inputs, own_account: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = |what: &str, then: &str, now: &str| {
        rows.push([what.to_owned(), then.to_owned(), "->".to_owned(), now.to_owned()]);
    };
    if then.recipe != now.recipe {
        row("recipe", &short(&then.recipe), &short(&now.recipe));
    }
    if !same(&then.parent, &now.parent, own_account) {
        row("parent", &short(&then.parent), &short(&now.parent));
    }
    for component in &now.components {
        if then.components.iter().any(|then| same(then, component, own_account)) {
            continue;
        }
        let earlier = then.components.iter().find(|then| alike(then, component));
        row("component", &earlier.map_or_else(|| "none".to_owned(), |then| short(then)), &short(component));
    }
    for component in &then.components {
        let there = |now: &&String| same(component, now, own_account) || alike(component, now);
        if !now.components.iter().any(|now| there(&now)) {
            row("component", &short(component), "none");
        }
    }
    columns(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(recipe: &str, parent: &str, components: &[&str]) -> Inputs {
        let arn = |kind: &str, rest: &str| format!("arn:aws:imagebuilder:eu-west-1:123456789012:{kind}/{rest}");
        Inputs {
            recipe: arn("image-recipe", recipe),
            parent: if parent.starts_with("ami-") { parent.to_owned() } else { arn("image", parent) },
            components: components.iter().map(|rest| arn("component", rest)).collect(),
        }
    }

    #[test]
    fn what_differs_stands_side_by_side() {
        let then = inputs("web/1.0.0", "base/1.0.0/9", &["agent/1.9.0/1", "old/1.0.0/1", "same/1.0.0/1"]);
        let now = inputs("web/1.1.0", "base/1.0.0/10", &["same/1.0.0/1", "agent/1.10.0/1", "new/1.0.0/1"]);
        insta::assert_snapshot!(side_by_side(&then, &now, "123456789012").join("\n"), @r"
        recipe     web 1.0.0      ->  web 1.1.0
        parent     base 1.0.0/9   ->  base 1.0.0/10
        component  agent 1.9.0/1  ->  agent 1.10.0/1
        component  none           ->  new 1.0.0/1
        component  old 1.0.0/1    ->  none
        ");
        assert!(side_by_side(&then, &then, "123456789012").is_empty());
        let amis = [inputs("web/1.0.0", "ami-1", &[]), inputs("web/1.0.0", "ami-2", &[])];
        assert_eq!(side_by_side(&amis[0], &amis[1], "123456789012"), ["parent  ami-1  ->  ami-2"]);
    }
}
