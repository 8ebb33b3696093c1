//! Who may look when: a few at once in this process, one at a time for each person, with a short line behind it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sluice_domain::AccountId;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A form shows one link: the newest takes the place of the one before, which nobody waits for any more.
    Page,
    /// A program wants an answer to each question.
    Program,
}

/// The lines of one process.
#[derive(Debug)]
pub(crate) struct Lines {
    slots: Semaphore,
    most_of_one: usize,
    people: Mutex<HashMap<AccountId, Line>>,
}

/// The previews of one person.
#[derive(Debug)]
struct Line {
    turn: Arc<Semaphore>,
    length: usize,
    /// The word for the newest preview of a page that another takes its place.
    newest: CancellationToken,
}

/// A place in a line, left when it is dropped.
pub(super) struct Place<'a> {
    lines: &'a Lines,
    account: AccountId,
    turn: Arc<Semaphore>,
    replaced: CancellationToken,
}

/// The right to look, for as long as it is held.
pub(super) struct Turn<'a> {
    _own: Option<SemaphorePermit<'a>>,
    _slot: Option<SemaphorePermit<'a>>,
}

impl Lines {
    /// So many at once in the process; in the line of one person at most so many, who is looked at included.
    pub(crate) fn new(at_once: usize, most_of_one: usize) -> Self {
        Self { slots: Semaphore::new(at_once), most_of_one, people: Mutex::default() }
    }

    /// A place in the line of this person; `None` when it is long enough.
    pub(super) fn enter(&self, account: &AccountId, asker: Asker) -> Option<Place<'_>> {
        let mut people = self.people();
        let line = people.entry(account.clone()).or_insert_with(|| Line {
            turn: Arc::new(Semaphore::new(1)),
            length: 0,
            newest: CancellationToken::new(),
        });
        let replaced = CancellationToken::new();
        if asker == Asker::Page {
            std::mem::replace(&mut line.newest, replaced.clone()).cancel();
        }
        if line.length >= self.most_of_one {
            return None;
        }
        line.length += 1;
        Some(Place { lines: self, account: account.clone(), turn: line.turn.clone(), replaced })
    }

    fn people(&self) -> MutexGuard<'_, HashMap<AccountId, Line>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Waits for this person's turn, then for a slot of the process: nobody has two places in that line.
    pub(super) async fn turn(&self) -> Turn<'_> {
        // Neither is ever closed.
        let own = self.turn.acquire().await.ok();
        Turn { _own: own, _slot: self.lines.slots.acquire().await.ok() }
    }

    /// Resolves when a newer preview takes this one's place.
    pub(super) async fn replaced(&self) {
        self.replaced.cancelled().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut people = self.lines.people();
        if let Some(line) = people.get_mut(&self.account) {
            line.length -= 1;
            if line.length == 0 {
                people.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn person(name: &str) -> AccountId {
        format!("dbid:{name}").parse().unwrap()
    }

    #[test]
    fn one_person_has_one_turn_and_a_short_line() {
        let lines = Lines::new(2, 3);
        let (ada, ben) = (person("ada"), person("ben"));
        let places: Vec<_> = (0..3).map(|_| lines.enter(&ada, Asker::Program).unwrap()).collect();
        assert!(lines.enter(&ada, Asker::Program).is_none());
        let turn = places[0].turn().now_or_never().unwrap();
        assert!(places[1].turn().now_or_never().is_none());
        assert!(lines.enter(&ben, Asker::Program).unwrap().turn().now_or_never().is_some());
        drop(turn);
        assert!(places[1].turn().now_or_never().is_some());
        drop(places);
        assert!(lines.people().is_empty());
    }

    #[test]
    fn a_process_looks_at_a_few_links_at_once() {
        let lines = Lines::new(2, 3);
        let places = ["ada", "ben", "eve"].map(|name| lines.enter(&person(name), Asker::Page).unwrap());
        let turns = [places[0].turn().now_or_never().unwrap(), places[1].turn().now_or_never().unwrap()];
        assert!(places[2].turn().now_or_never().is_none());
        drop(turns);
        assert!(places[2].turn().now_or_never().is_some());
    }

    #[test]
    fn the_newest_link_of_a_page_takes_the_place_of_the_one_before() {
        let lines = Lines::new(2, 3);
        let ada = person("ada");
        let (program, first) = (lines.enter(&ada, Asker::Program).unwrap(), lines.enter(&ada, Asker::Page).unwrap());
        assert!(first.replaced().now_or_never().is_none());
        let second = lines.enter(&ada, Asker::Page).unwrap();
        assert!(first.replaced().now_or_never().is_some());
        assert!(second.replaced().now_or_never().is_none() && program.replaced().now_or_never().is_none());
    }
}
