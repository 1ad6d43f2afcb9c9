//! What builds are distributed as, and images that no recipe makes.
