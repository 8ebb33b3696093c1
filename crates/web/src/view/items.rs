//! A list in words and figures: how many of its items were found, arrived, did not, and are still to come.

use sluice_domain::{Items, Job, JobState};

use super::row::Bar;

/// How many items the list will have, as far as is known now.
pub(crate) fn total(items: &Items) -> u32 {
    if items.listed { items.found } else { items.announced.unwrap_or_default().max(items.found) }
}

/// Items that will not arrive by themselves.
pub(crate) fn missing(items: &Items) -> u32 {
    items.failed + items.refused
}

/// The share of items that are over, 0 to 99 while the list is not.
pub(crate) fn percent(items: &Items) -> u8 {
    let total = u64::from(total(items).max(1));
    u8::try_from((u64::from(items.over()) * 100 / total).min(99)).unwrap_or(99)
}

/// The bar of a list whose items are under way.
pub(crate) fn bar(job: &Job, items: &Items, label: String) -> Option<Bar> {
    let shown = matches!(job.state, JobState::Running | JobState::Collecting | JobState::Paused);
    let words = format!("{} of {}", count(items.over()), count(total(items)));
    (shown && total(items) > 0).then(|| Bar { percent: Some(percent(items)), words: Some(words), label })
}

/// The figures beside the sentence.
pub(crate) fn figures(state: JobState, items: &Items) -> Vec<String> {
    let some = |number: u32, words: &str| (number > 0).then(|| format!("{} {words}", count(number)));
    let arrived = || match items.listed {
        true => Some(format!("{} of {} arrived", count(items.arrived()), count(items.found))),
        false => some(items.arrived(), "arrived"),
    };
    let found = || match items.announced.filter(|announced| *announced > items.found) {
        Some(announced) => Some(format!("{} of {} found", count(items.found), count(announced))),
        None => some(items.found, "found"),
    };
    let parts = match state {
        JobState::Completed if items.arrived() == items.found => {
            vec![Some(plural(items.found)), some(items.duplicate, "you had already")]
        }
        JobState::Completed | JobState::Failed | JobState::Refused | JobState::Cancelled => {
            vec![arrived().filter(|_| items.found > 0), some(items.cancelled, "cancelled")]
        }
        JobState::Queued | JobState::Running | JobState::Retrying | JobState::Paused | JobState::Collecting => vec![
            found().filter(|_| !items.listed),
            arrived(),
            some(missing(items), "did not arrive"),
            some(items.cancelled, "cancelled"),
            some(items.found.saturating_sub(items.over()), "to go").filter(|_| items.listed),
        ],
    };
    parts.into_iter().flatten().collect()
}

/// Why there are not more of them, when the list was cut.
pub(crate) fn cut(items: &Items) -> Option<String> {
    let limit = items.cut_at?;
    let first = count(items.found);
    Some(match items.announced.filter(|announced| *announced > items.found) {
        Some(all) => format!("The first {first} of {}: this server takes {} at once.", count(all), count(limit)),
        None => format!("The first {first}: this server takes {} at once.", count(limit)),
    })
}

/// "1 item", "1,200 items".
pub(crate) fn plural(number: u32) -> String {
    if number == 1 { "1 item".to_owned() } else { format!("{} items", count(number)) }
}

/// A number as people write it: "5,000".
pub(crate) fn count(number: u32) -> String {
    let digits = number.to_string();
    let group = |(at, digit): (usize, char)| {
        let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, want) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), want);
        }
    }

    #[test]
    fn a_bar_of_a_list_is_never_full_and_never_shrinks_while_nothing_is_found() {
        let items = |found, completed| Items { found, completed, announced: Some(40), ..Items::default() };
        assert_eq!((percent(&items(10, 5)), percent(&items(20, 5))), (12, 12));
        assert_eq!(percent(&Items { listed: true, ..items(10, 10) }), 99);
        assert_eq!(percent(&Items::default()), 0);
        assert_eq!(total(&items(50, 0)), 50, "the site may announce too few");
    }

    #[test]
    fn a_cut_says_where() {
        let cut_of = |announced| cut(&Items { found: 300, cut_at: Some(300), announced, ..Items::default() });
        assert_eq!(cut_of(Some(5000)).unwrap(), "The first 300 of 5,000: this server takes 300 at once.");
        assert_eq!(cut_of(None).unwrap(), "The first 300: this server takes 300 at once.");
        assert_eq!(cut(&Items::default()), None);
    }
}
