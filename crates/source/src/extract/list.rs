//! A list, and its items one after another. What is no item, or was one before, is left out and counted.

use std::{
    collections::HashSet,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::{Map, Value};
use sluice_domain::{Failure, FailureKind, Item, SourceUrl};
use sluice_transfer::Gate;

use super::{
    entry,
    info::{integer, link, picture, text},
};

/// Links that are remembered, to leave out what a list names twice; 8 bytes each. No known list is as long.
const MAX_REMEMBERED: usize = 100_000;

/// A playlist, a channel, a feed, or a page with several videos.
pub struct List {
    /// The site's name for it.
    pub id: String,
    /// yt-dlp's name for the site.
    pub extractor: String,
    /// Its title.
    pub title: Option<String>,
    /// A picture.
    pub thumbnail: Option<String>,
    /// How many items the site says there are.
    pub announced: Option<u32>,
    /// At least two items, or one and a failure, in the site's order. Pages of the site are read as items are asked for, and some kilobytes
    /// ahead. A failure is the last thing that it yields: the list broke, took too long, or the gate shut. Dropping it ends the child.
    pub items: BoxStream<'static, Result<Item, Failure>>,
    /// What was left out so far.
    pub skipped: Skipped,
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("title", &self.title).field("announced", &self.announced).finish_non_exhaustive()
    }
}

/// Counts the entries of a list that are no items: gone, private, named before, or nothing that could be fetched. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Skipped(Arc<AtomicU32>);

impl Skipped {
    /// So far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, more: u32) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

/// What yt-dlp says of a list as a whole.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) id: String,
    extractor: String,
    title: Option<String>,
    thumbnail: Option<String>,
    announced: Option<u32>,
    pub(super) webpage_url: Option<String>,
}

impl Header {
    pub(super) fn of(info: &Map<String, Value>) -> Self {
        Self {
            id: text(info, "id"),
            extractor: text(info, "extractor_key"),
            title: Some(text(info, "title")).filter(|title| !title.trim().is_empty()),
            thumbnail: picture(info),
            announced: integer(info, "playlist_count"),
            webpage_url: link(info, "webpage_url"),
        }
    }
}

/// A list as an extractor hands it over: each entry as yt-dlp tells it; an empty one where a line cannot be read.
pub(super) struct Listing {
    pub(super) header: Header,
    pub(super) entries: BoxStream<'static, Result<Map<String, Value>, Failure>>,
}

/// A list that was begun.
pub(super) enum Begun {
    /// It has exactly one item.
    Only(Item),
    Several(List),
}

impl Listing {
    /// Reads until it is clear that there is more than one item. `place` is the list's own place in the list behind the link, if it has one.
    pub(super) async fn begin(self, url: &SourceUrl, place: Option<u32>, gate: &Gate) -> Result<Begun, Failure> {
        let skipped = Skipped::default();
        let mut reader = Reader {
            entries: Some(self.entries),
            header: self.header,
            url: url.clone(),
            nested: place.is_some(),
            gate: gate.clone(),
            hasher: RandomState::new(),
            seen: HashSet::new(),
            place: 0,
            number: 0,
            skipped: skipped.clone(),
        };
        let Some(first) = reader.next().await.transpose()? else { return Err(nothing(skipped.count())) };
        let Some(second) = reader.next().await else { return Ok(Begun::Only(first)) };
        let header = &mut reader.header;
        let (id, extractor) = (header.id.clone(), std::mem::take(&mut header.extractor));
        let (title, thumbnail, announced) = (header.title.take(), header.thumbnail.take(), header.announced);
        let rest = stream::unfold(reader, |mut reader| async { reader.next().await.map(|item| (item, reader)) });
        let items = stream::iter([Ok(first), second]).chain(rest).boxed();
        Ok(Begun::Several(List { id, extractor, title, thumbnail, announced, items, skipped }))
    }
}

fn nothing(skipped: u32) -> Failure {
    let (detail, explanation) = match skipped {
        0 => ("an empty list", "This list is empty."),
        _ => (
            "a list without items",
            "Nothing in this list can be fetched: what it names is private, deleted or no link.",
        ),
    };
    Failure::new(FailureKind::UnsupportedSite, detail).explained(explanation)
}

struct Reader {
    /// `None` after the end; then nothing of the child is left.
    entries: Option<BoxStream<'static, Result<Map<String, Value>, Failure>>>,
    header: Header,
    url: SourceUrl,
    /// A place in a list within a list leads nowhere.
    nested: bool,
    gate: Gate,
    hasher: RandomState,
    seen: HashSet<u64>,
    place: u32,
    number: u32,
    skipped: Skipped,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Item, Failure>> {
        loop {
            let entries = self.entries.as_mut()?;
            let entry = self.gate.guard(async { entries.next().await.transpose() }).await;
            match entry {
                Ok(Some(entry)) => {
                    if let Some(item) = self.read(&entry) {
                        return Some(Ok(item));
                    }
                }
                over => {
                    self.entries = None;
                    return over.err().map(Err);
                }
            }
        }
    }

    /// The item, unless this is none.
    fn read(&mut self, entry: &Map<String, Value>) -> Option<Item> {
        let next = self.place.saturating_add(1);
        // Plain yt-dlp says nothing of empty places; only the gap tells of them.
        let place = entry::place(entry).filter(|place| *place > next).unwrap_or(next);
        self.skipped.add(place - next);
        self.place = place;
        let item = entry::item(entry, place, &self.url, &self.header).filter(|item| self.is_new(item));
        let Some(item) = item else {
            self.skipped.add(1);
            return None;
        };
        self.number += 1;
        Some(Item { number: self.number, ..item })
    }

    fn is_new(&mut self, item: &Item) -> bool {
        if item.item.is_some() {
            return !self.nested;
        }
        let link = self.hasher.hash_one(item.url.as_str());
        let room = self.seen.len() < MAX_REMEMBERED;
        if room { self.seen.insert(link) } else { !self.seen.contains(&link) }
    }
}

#[cfg(test)]
mod tests;
