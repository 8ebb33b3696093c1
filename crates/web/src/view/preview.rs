//! What is behind a link, told below its field, and the sizes beside the qualities.

use sluice_domain::{ByteSize, Length, Preset, SourceUrl};

use super::items::count;
use crate::preview::{Kind, Offer, Seen};

/// What the page tells of a link before it is sent.
#[derive(Debug, Clone)]
pub(crate) enum Preview {
    /// What is there.
    Card(Card),
    /// Why it cannot be told.
    Note(String),
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) title: String,
    pub(crate) symbol: &'static str,
    pub(crate) picture: Option<String>,
    /// "9:56 · archive.org".
    pub(crate) facts: String,
    pub(crate) whys: Vec<Why>,
    /// What stands beside each preset.
    tags: Vec<(Preset, Tag)>,
}

/// Why some presets would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) id: String,
    /// Which; empty when it is all of them.
    pub(crate) presets: String,
    pub(crate) message: String,
}

/// What stands beside one preset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) size: Option<String>,
    /// The id of the reason why it would be refused.
    pub(crate) why: Option<String>,
}

impl Preview {
    pub(crate) fn note(message: &impl ToString) -> Self {
        Self::Note(message.to_string())
    }

    pub(crate) fn of(url: &SourceUrl, seen: &Seen, picture: Option<String>) -> Self {
        let site = url.site();
        let title = seen.title.as_deref().unwrap_or(site).to_owned();
        Self::Card(match &seen.kind {
            Kind::Media { duration, pictures, offers } => {
                let mut open = offers.iter().filter(|offer| offer.refusal.is_none()).peekable();
                // Said once, when it is true of all.
                let nothing_known = open.peek().is_some() && open.all(|offer| offer.length == Length::Unknown);
                let unknown = nothing_known.then(|| "size unknown".to_owned());
                let facts: Vec<_> = duration.map(clock).into_iter().chain([site.to_owned()]).chain(unknown).collect();
                let whys = whys(offers);
                let tags = offers.iter().map(|offer| (offer.preset, tag(offer, &whys, nothing_known))).collect();
                let symbol = if *pictures { "film" } else { "sound" };
                Card { title, symbol, picture, facts: facts.join(" · "), whys, tags }
            }
            Kind::List { announced, limit } => {
                let items = match announced {
                    Some(items) if items > limit => {
                        format!("A list of {} items, of which the first {} are taken", count(*items), count(*limit))
                    }
                    Some(items) => format!("A list of {} items", count(*items)),
                    None => format!("A list, of which the first {} items are taken", count(*limit)),
                };
                let facts = format!("{items} · {site}");
                Card { title, symbol: "list", picture, facts, whys: Vec::new(), tags: Vec::new() }
            }
        })
    }

    /// What stands beside this preset.
    pub(super) fn tag(&self, word: &str) -> Tag {
        let Self::Card(card) = self else { return Tag::default() };
        card.tags.iter().find(|(preset, _)| preset.as_str() == word).map(|(_, tag)| tag.clone()).unwrap_or_default()
    }
}

fn tag(offer: &Offer, whys: &[Why], nothing_known: bool) -> Tag {
    let size = match offer.length {
        Length::Exact(bytes) => Some(ByteSize(bytes).to_string()),
        Length::Estimate(bytes) => Some(format!("≈ {}", ByteSize(bytes))),
        Length::Unknown if nothing_known || offer.refusal.is_some() => None,
        Length::Unknown => Some("size unknown".to_owned()),
    };
    let message = offer.refusal.as_ref().map(|refusal| refusal.message());
    let why = message.and_then(|message| whys.iter().find(|why| why.message == message));
    Tag { size, why: why.map(|why| why.id.clone()) }
}

/// One for each reason, with the presets that it stands against.
fn whys(offers: &[Offer]) -> Vec<Why> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for offer in offers {
        let Some(refusal) = &offer.refusal else { continue };
        let (message, label) = (refusal.message(), offer.preset.label());
        match reasons.iter_mut().find(|(reason, _)| *reason == message) {
            Some((_, presets)) => presets.push(label),
            None => reasons.push((message.into_owned(), vec![label])),
        }
    }
    let told = |(number, (message, presets)): (usize, (String, Vec<&str>))| Why {
        id: format!("why-{}", number + 1),
        presets: if presets.len() == offers.len() { String::new() } else { presets.join(", ") },
        message,
    };
    reasons.into_iter().enumerate().map(told).collect()
}

/// "9:56", "1:02:03": a duration as players show it.
fn clock(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, which is as good as any other lie of the site"
    )]
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
