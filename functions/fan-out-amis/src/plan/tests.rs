mod convergence;
mod fixtures;
mod store;
