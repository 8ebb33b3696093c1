//! WebM pairs.

mod drive;
mod hostile;
mod pairs;
mod refusals;
mod take;
