//! The section Rules: what a template asserts of its parameters.

use super::error::Fault;
use super::evaluate::Scope;
use super::tree::Node;

/// The assertions that don't hold, or can't be evaluated.
pub(super) fn rules(scope: &Scope<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for rule in scope.template.section("Rules") {
        let applies = rule.value.get("RuleCondition").map_or(Ok(true), |condition| scope.holds(condition));
        let assertions = rule.value.get("Assertions").and_then(Node::as_list).unwrap_or_default();
        match applies {
            Ok(false) => {}
            Ok(true) => {
                for assertion in assertions {
                    let holds = assertion.get("Assert").map_or(Ok(true), |node| scope.holds(node));
                    match holds {
                        Ok(true) => {}
                        Ok(false) => {
                            let why = assertion.get_text("AssertDescription").unwrap_or("its assertion doesn't hold");
                            faults.push(Fault::new(assertion.line, format!("the rule {}: {why}", rule.key)));
                        }
                        Err(fault) => faults.push(fault),
                    }
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    faults
}
