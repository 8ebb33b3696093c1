//! Everything that somebody may try to make a server dial what it must not: a canary that counts who comes, and the tricks as a table.

mod canary;
mod hosts;
mod listeners;
mod tricks;

pub use canary::Canary;
pub use listeners::listeners;
pub use tricks::{Outcome, Trick, publish_tricks};
