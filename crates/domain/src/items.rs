//! A list: a playlist, a channel, a feed. Its items are jobs of their own; this is what is told of them together.

use serde::{Deserialize, Serialize};

/// How far the items of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Items {
    /// Jobs made of it so far.
    pub found: u32,
    /// Were all items listed, as far as the limit goes?
    pub listed: bool,
    /// How many the site says there are, when it says so.
    pub announced: Option<u32>,
    /// `limits.playlist_items`, when the list was cut there.
    pub cut_at: Option<u32>,
    /// Items that landed.
    pub completed: u32,
    /// Items that the person had already.
    pub duplicate: u32,
    /// Items that failed.
    pub failed: u32,
    /// Items that a limit stood in the way of.
    pub refused: u32,
    /// Items that were cancelled.
    pub cancelled: u32,
}

impl Items {
    /// Items that need nothing more.
    #[must_use]
    pub fn over(&self) -> u32 {
        self.arrived() + self.failed + self.refused + self.cancelled
    }

    /// Items that are where they should be.
    #[must_use]
    pub fn arrived(&self) -> u32 {
        self.completed + self.duplicate
    }
}
