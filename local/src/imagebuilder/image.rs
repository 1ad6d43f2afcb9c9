//! Images: the operations that start, read and delete builds.
