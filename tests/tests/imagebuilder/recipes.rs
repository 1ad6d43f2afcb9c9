//! Image and container recipes.
