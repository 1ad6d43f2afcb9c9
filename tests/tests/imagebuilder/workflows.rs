//! Workflows and their executions.
