mod convergence;
mod fixtures;
mod room;
mod store;
