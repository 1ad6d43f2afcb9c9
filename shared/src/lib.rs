//! What the functions have in common: what an image is, how AWS is read, how settings and errors work.

pub mod arn;
pub mod version;
