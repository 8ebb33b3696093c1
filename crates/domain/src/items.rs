//! A list: a playlist, a channel, a feed. Its items are jobs of their own; this is what is told of them together.

use serde::{Deserialize, Serialize};

use crate::SourceUrl;

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

/// One item of a list: media, or a list in its turn. Nobody has looked at it yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its number in the list, counting from 1, without what was left out. The same number of the same list is the same job.
    pub number: u32,
    /// Its link; the list's when it has none of its own.
    pub url: SourceUrl,
    /// Its place behind the list's link, as the extractor takes it, when it has no link of its own. It counts what was left out as well.
    pub item: Option<u32>,
    /// Its title, if the list tells.
    pub title: Option<String>,
    /// A picture, if the list tells.
    pub thumbnail: Option<String>,
    /// Seconds of media, if the list tells.
    pub duration: Option<f64>,
}
