//! `docs/permissions.md`, which people review, is made of the declarations.

use crate::{FUNCTIONS, root};
use shared::permissions::Permission;

const ABOUT: &str = "\
# What each function may do

Every function has a role of its own. It allows what stands here and nothing else: this page is made of what the
functions declare in their source (`functions/*/src/permissions.rs`), and a test holds the declarations, the policies of
`template.yaml` and `target-account.yaml`, and the calls that are really made against each other, in both directions.

`{region}` and `{account}` are the stack's own, other names in braces its parameters and resources. `*` alone stands for
actions that know no resources. **Also elsewhere** are those that the role in other accounts allows too
(`target-account.yaml`), for that account's own resources.

Beside this, Lambda writes logs with the role (`AWSLambdaBasicExecutionRole`) and sends events that were given up to the
dead-letter queue. AMIs and snapshots are retired by Image Builder under the role `LifecycleExecution`,
which has AWS's own policy `EC2ImageBuilderLifecycleExecutionPolicy` and no other.
";

fn page() -> String {
    let mut page = ABOUT.to_owned();
    for (_, function, permissions) in FUNCTIONS {
        page.push_str(&format!("\n## {function}\n\n| May | on | to |\n|---|---|---|\n"));
        permissions.iter().for_each(|permission| page.push_str(&row(permission)));
    }
    page
}

fn row(permission: &Permission) -> String {
    let list = |items: &[&str]| {
        let items = items.iter().map(|item| format!("`{}`", named(item)));
        items.collect::<Vec<_>>().join("<br>")
    };
    let mut to = permission.to.to_owned();
    if let Some(limit) = permission.when {
        let values: Vec<String> = limit.values.iter().map(|value| format!("`{value}`")).collect();
        to.push_str(&format!("; only if `{}` is {}", limit.key, values.join(" or ")));
    }
    match permission.given {
        Some("HasKey") => to.push_str("; only with an EncryptionKey"),
        Some("HasTargetRole") => to.push_str("; only with a TargetRoleName"),
        Some(condition) => to.push_str(&format!("; only if {condition}")),
        None => {}
    }
    if permission.elsewhere {
        to.push_str(". **Also elsewhere**");
    }
    format!("| {} | {} | {to} |\n", list(permission.actions), list(permission.on))
}

/// `${AWS::Region}` → `{region}`, `${BuildReports}` → `{BuildReports}`
fn named(text: &str) -> String {
    let text = text.replace("${AWS::Partition}", "aws").replace("${AWS::Region}", "{region}");
    text.replace("${AWS::AccountId}", "{account}").replace("${", "{")
}

#[test]
fn the_page_for_reviewers_says_what_is_declared() {
    let file = root().join("docs/permissions.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, page()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written == page(), "docs/permissions.md is out of date: run this test with UPDATE_DOCS=1");
}
