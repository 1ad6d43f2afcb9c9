//! Content filters: EventBridge's event patterns and SNS's filter policies, which share their operators.
