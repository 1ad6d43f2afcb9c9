//! Lifecycle policies, executions and state updates.
