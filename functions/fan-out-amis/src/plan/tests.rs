mod convergence;
mod fixtures;
mod following;
mod publishing;
mod room;
mod store;
