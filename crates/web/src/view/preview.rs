//! What is behind a link, told below its field, and the sizes beside the qualities.

use sluice_domain::{ByteSize, Length, Preset, SourceUrl};

use super::{form::MAIN, items::count};
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
    whys: Vec<Why>,
    /// What stands beside each preset.
    tags: Vec<(Preset, Tag)>,
}

/// Why some presets would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) id: String,
    /// Which, in words; empty when it is all of them.
    pub(crate) presets: String,
    /// None of them is offered at once.
    behind_more: bool,
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

    /// Why some presets would be refused: where they are offered at once, or behind "More".
    pub(super) fn whys(&self, behind_more: bool) -> Vec<&Why> {
        let Self::Card(card) = self else { return Vec::new() };
        card.whys.iter().filter(|why| why.behind_more == behind_more).collect()
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
    let mut reasons: Vec<(String, Vec<Preset>)> = Vec::new();
    for offer in offers {
        let Some(refusal) = &offer.refusal else { continue };
        let message = refusal.message();
        match reasons.iter_mut().find(|(reason, _)| *reason == message) {
            Some((_, presets)) => presets.push(offer.preset),
            None => reasons.push((message.into_owned(), vec![offer.preset])),
        }
    }
    let told = |(number, (message, presets)): (usize, (String, Vec<Preset>))| {
        let all = presets.len() == offers.len();
        let labels = presets.iter().map(|preset| preset.label()).collect::<Vec<_>>().join(", ");
        Why {
            id: format!("why-{}", number + 1),
            presets: if all { String::new() } else { labels },
            behind_more: !presets.iter().any(|preset| MAIN.contains(preset)),
            message,
        }
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

#[cfg(test)]
mod tests {
    use sluice_domain::{Failure, FailureKind};

    use super::*;

    fn offer(preset: Preset, length: Length, refusal: Option<Failure>) -> Offer {
        Offer { preset, plan: None, length, refusal }
    }

    fn seen(kind: Kind) -> Seen {
        Seen { title: Some("Big Buck Bunny".to_owned()), thumbnail: None, extractor: "Archive".to_owned(), kind }
    }

    fn media(offers: Vec<Offer>) -> Preview {
        let kind = Kind::Media { duration: Some(596.4), pictures: true, offers };
        Preview::of(&"https://archive.org/details/bunny".parse().unwrap(), &seen(kind), None)
    }

    fn facts(preview: &Preview) -> &str {
        let Preview::Card(card) = preview else { panic!("no card") };
        &card.facts
    }

    #[test]
    fn sizes_are_told_as_well_as_they_are_known() {
        let preview = media(vec![
            offer(Preset::Best, Length::Exact(412_000_000), None),
            offer(Preset::P720, Length::Estimate(96_500_000), None),
            offer(Preset::Audio, Length::Unknown, None),
        ]);
        assert_eq!(facts(&preview), "9:56 · archive.org");
        let size = |word| preview.tag(word).size;
        assert_eq!(size("best").as_deref(), Some("412 MB"));
        assert_eq!(size("720p").as_deref(), Some("≈ 96 MB"));
        assert_eq!(size("audio").as_deref(), Some("size unknown"));
        let nothing = media(vec![offer(Preset::Best, Length::Unknown, None)]);
        assert_eq!((facts(&nothing), nothing.tag("best")), ("9:56 · archive.org · size unknown", Tag::default()));
    }

    #[test]
    fn reasons_are_told_once_beside_what_they_are_about() {
        let large = || Some(Failure::too_large(ByteSize(9_100_000_000), ByteSize(4_000_000_000), None));
        let none = || Some(Failure::new(FailureKind::NoSuchFormat, ""));
        let preview = media(vec![
            offer(Preset::Best, Length::Exact(9_100_000_000), large()),
            offer(Preset::P2160, Length::Exact(9_100_000_000), large()),
            offer(Preset::P480, Length::Exact(20_000_000), None),
            offer(Preset::Opus, Length::Unknown, none()),
        ]);
        let told = |behind_more| {
            preview.whys(behind_more).into_iter().map(|why| (why.id.as_str(), why.presets.as_str())).collect::<Vec<_>>()
        };
        assert_eq!((told(false), told(true)), (vec![("why-1", "Best, 4K")], vec![("why-2", "Audio (Opus)")]));
        assert_eq!(preview.tag("best"), Tag { size: Some("9.1 GB".to_owned()), why: Some("why-1".to_owned()) });
        assert_eq!(preview.tag("opus"), Tag { size: None, why: Some("why-2".to_owned()) });
        let live =
            media(vec![offer(Preset::Best, Length::Unknown, Some(Failure::new(FailureKind::LiveNotFinished, "")))]);
        assert_eq!(live.whys(false)[0].presets, "", "what is true of all names none");
    }

    #[test]
    fn a_list_says_how_much_of_it_is_taken() {
        let check = |announced, want| {
            let kind = Kind::List { announced, limit: 300 };
            let preview = Preview::of(&"https://archive.org/list".parse().unwrap(), &seen(kind), None);
            assert_eq!(facts(&preview), want);
        };
        check(Some(5000), "A list of 5,000 items, of which the first 300 are taken · archive.org");
        check(Some(12), "A list of 12 items · archive.org");
        check(None, "A list, of which the first 300 items are taken · archive.org");
    }

    #[test]
    fn durations_are_told_as_players_do() {
        assert_eq!((clock(0.4), clock(59.6), clock(3723.0)), ("0:00".into(), "1:00".into(), "1:02:03".into()));
        assert!(!clock(f64::MAX).is_empty());
    }
}
