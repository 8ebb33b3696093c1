//! A playlist, channel or feed: its items become jobs of their own, in the order of the list, a few at a time. Nothing of the list is kept in
//! memory, and reading it twice makes no job twice.

use futures::StreamExt as _;
use sluice_domain::{Failure, FailureKind, Item};
use sluice_queue::{Described, Taken};
use sluice_source::List;
use sluice_wiring::attempt::Reached;
use tokio::time::Duration;

use crate::attempt::Attempt;

/// Items that become jobs in one step.
const BATCH: usize = 50;
/// How long a list waits when too many links of the person wait already.
const ROOM: Duration = Duration::from_secs(30);

impl Attempt<'_> {
    /// Makes jobs of the items, as many as the limit allows.
    pub(crate) async fn take_apart(&self, list: List) -> Result<Reached, Failure> {
        let described = Described { title: list.title, thumbnail: list.thumbnail, duration: None };
        self.lease.describe(&described).await?;
        let limit = self.shared.playlist_items;
        // What an earlier attempt made jobs of is passed over.
        let made = self.job().items.map_or(0, |items| items.found);
        let mut batches = list.items.ready_chunks(BATCH);
        let mut seen = 0;
        while let Some(batch) = self.gate.guard(async { Ok(batches.next().await) }).await? {
            let mut items = Vec::with_capacity(batch.len());
            let mut broken = None;
            for item in batch {
                match item {
                    Ok(item) => items.push(item),
                    Err(failure) => broken = Some(failure),
                }
            }
            seen = items.last().map_or(seen, |item| item.number);
            let wanted: Vec<Item> =
                items.into_iter().filter(|item| item.number > made && item.number <= limit).collect();
            if !wanted.is_empty() && self.lease.take_items(&wanted, list.announced).await? == Taken::Full {
                return Err(later());
            }
            if seen > limit {
                return Ok(Reached::Listed { cut_at: Some(limit) });
            }
            if let Some(failure) = broken {
                return Err(failure);
            }
        }
        Ok(Reached::Listed { cut_at: None })
    }
}

/// Not now: it goes on where it stopped.
fn later() -> Failure {
    Failure::new(FailureKind::Incomplete, "the account's line is full")
        .explained("So many of your links wait that the rest of this list follows when there is room.")
        .transient()
        .after(ROOM)
}
