//! What an account holds: its tree of files and folders, how files get into it, and how it is listed.
//!
//! Everything here is plain blocking file work without HTTP; callers run it off the async threads.

pub(crate) mod account;
pub(crate) mod commit;
pub(crate) mod edit;
pub(crate) mod listing;
pub(crate) mod names;
pub(crate) mod node;
mod sync;
pub(crate) mod tree;
