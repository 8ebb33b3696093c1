//! The items of a list, a page at a time, in the order of the list.

use serde::Deserialize;
use sluice_domain::{AccountId, Items, Job, JobId};
use sluice_queue::{Cursor, QueueError, RecentsQuery};

use crate::{state::State, view::count};

/// Items on one page.
const PAGE_ITEMS: u32 = 50;

/// Where in a list a page begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Begin {
    /// After this item.
    after: Option<Cursor>,
    /// So many come before it: only to be shown.
    skipped: u32,
}

/// The same, as an address says it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wish {
    pub(crate) after: Option<String>,
    pub(crate) skip: Option<String>,
}

impl Begin {
    /// Reads what an address says; what makes no sense is the beginning.
    pub(crate) fn read(wish: &Wish) -> Self {
        let after = wish.after.as_deref().and_then(|text| text.parse().ok());
        let skipped = wish.skip.as_deref().and_then(|text| text.parse().ok()).filter(|_| after.is_some());
        Self { after, skipped: skipped.unwrap_or_default() }
    }

    /// Is it the beginning of the list?
    pub(crate) fn is_first(self) -> bool {
        self.after.is_none()
    }

    /// As a query, to be put behind an address that has one already.
    pub(crate) fn query(self) -> String {
        self.after.map_or(String::new(), |after| format!("&after={after}&skip={}", self.skipped))
    }
}

/// A page of items.
pub(crate) struct ItemsPart {
    pub(crate) jobs: Vec<Job>,
    /// "1 to 50 of 300".
    pub(crate) range: String,
    /// The address of the next page.
    pub(crate) next: Option<String>,
}

/// A page of the items of this list; `None` when it is none.
pub(crate) async fn items(
    state: &State,
    account: &AccountId,
    list: &Job,
    begin: Begin,
) -> Result<Option<ItemsPart>, QueueError> {
    let Some(of) = &list.items else { return Ok(None) };
    let query = RecentsQuery { state: None, before: begin.after, limit: PAGE_ITEMS };
    let page = state.queue.items(account, &list.id, query).await?;
    let shown = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
    let next = page.next.map(|next| next_page(&list.id, next, begin.skipped.saturating_add(shown)));
    Ok(Some(ItemsPart { range: range(begin.skipped, shown, of), jobs: page.items, next }))
}

fn next_page(list: &JobId, after: Cursor, skipped: u32) -> String {
    format!("/jobs/{list}?after={after}&skip={skipped}")
}

fn range(skipped: u32, shown: u32, of: &Items) -> String {
    let found = format!("{}{}", count(of.found), if of.listed { "" } else { " found so far" });
    match shown {
        0 => format!("none of {found}"),
        _ => format!("{} to {} of {found}", count(skipped.saturating_add(1)), count(skipped.saturating_add(shown))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_it_is() {
        let of = |found, listed| Items { found, listed, ..Items::default() };
        assert_eq!(range(0, 50, &of(1300, true)), "1 to 50 of 1,300");
        assert_eq!(range(1250, 50, &of(1300, false)), "1,251 to 1,300 of 1,300 found so far");
        assert_eq!(range(0, 0, &of(0, true)), "none of 0");
    }

    #[test]
    fn an_address_that_makes_no_sense_is_the_beginning() {
        let wish = |after: &str, skip: &str| Wish { after: Some(after.to_owned()), skip: Some(skip.to_owned()) };
        assert_eq!(Begin::read(&wish("50", "49")).query(), "&after=50&skip=49");
        assert_eq!(Begin::read(&wish("x", "49")), Begin::default());
        assert_eq!(Begin::read(&wish("50", "-1")).query(), "&after=50&skip=0");
    }
}
