//! Infrastructure and distribution configurations.
