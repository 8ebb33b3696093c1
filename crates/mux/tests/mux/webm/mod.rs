//! WebM pairs.

mod drive;
mod hostile;
mod odd;
mod pairs;
mod refusals;
mod take;
