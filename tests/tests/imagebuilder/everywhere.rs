//! What holds for every operation.
