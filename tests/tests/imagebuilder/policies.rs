//! Resource policies and what is shared.
