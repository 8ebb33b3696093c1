//! The exact sizes of what only its site's headers tell: a bare file, or a picture and a sound that are put together on their way.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use sluice_domain::{AccountId, Length, Limits, Plan, Preset, Route};
use sluice_source::{Extraction, Meter};
use sluice_transfer::Gate;
use tokio::time::{Instant, timeout_at};

use super::{
    lines::{Asker, Lines},
    offer::Offer,
};

/// How long all sizes of one preview may take. What is not known then stays an estimate.
const MOST_TIME: Duration = Duration::from_secs(5);
/// How many are asked for at once.
const AT_ONCE: usize = 4;
/// A pair costs some requests. Of more pairs than this, only the one that was asked for is measured.
const MOST_PAIRS: usize = 3;

/// Measures what is offered.
pub(super) struct Measures {
    meter: Meter,
    /// Apart from those who look: what is known already waits for no slow site.
    lines: Lines,
}

/// What one file, or one pair, comes to.
pub(super) type Measured = (Plan, u64);

impl Measures {
    pub(super) fn new(meter: Meter, at_once: usize) -> Self {
        Self { meter, lines: Lines::new(at_once, super::MOST_OF_ONE) }
    }

    /// What became known in time. Nothing for who has enough under way, or whom nobody waits for any more.
    pub(super) async fn measure(
        &self,
        plans: Vec<Plan>,
        extraction: &Extraction,
        limits: &Limits,
        (account, asker): (&AccountId, Asker),
        latest: Instant,
    ) -> Vec<Measured> {
        let mut known = Vec::new();
        if plans.is_empty() {
            return known;
        }
        let Some(place) = self.lines.enter(account, asker) else { return known };
        let gate = Gate::new(limits);
        let asking = Box::pin(async {
            let _turn = place.turn().await;
            let ask = async |plan: Plan| (self.meter.measure(&plan, extraction, &gate).await, plan);
            let mut asked = stream::iter(plans).map(ask).buffer_unordered(AT_ONCE);
            while let Some((length, plan)) = asked.next().await {
                if let Length::Exact(bytes) = length {
                    known.push((plan, bytes));
                }
            }
        });
        tokio::select! {
            _ = timeout_at(latest.min(Instant::now() + MOST_TIME), asking) => {}
            () = place.replaced() => {}
        }
        known
    }
}

/// What is worth asking for, each once, the chosen first.
pub(super) fn worth_asking(offers: &[Offer], chosen: Preset) -> Vec<Plan> {
    let (first, others): (Vec<_>, Vec<_>) = offers.iter().partition(|offer| offer.preset == chosen);
    let chosen = first.first().and_then(|offer| offer.plan.as_ref());
    let mut plans: Vec<Plan> = Vec::new();
    for offer in first.iter().chain(&others).filter(|offer| offer.refusal.is_none()) {
        let open = offer.plan.iter().filter(|plan| !matches!(plan.length, Length::Exact(_)));
        for plan in open.filter(|plan| matches!(plan.route, Route::Direct | Route::Interleave)) {
            if !plans.iter().any(|known| same(known, plan)) {
                plans.push(plan.clone());
            }
        }
    }
    let pairs = plans.iter().filter(|plan| plan.route == Route::Interleave).count();
    if pairs > MOST_PAIRS {
        plans.retain(|plan| plan.route != Route::Interleave || chosen.is_some_and(|chosen| same(chosen, plan)));
    }
    plans
}

/// Do both bring the same bytes? A file of the site is the same by every route; a pair has the headers of who put it together.
pub(super) fn same(one: &Plan, other: &Plan) -> bool {
    let result = |plan: &Plan| (plan.formats.clone(), plan.container, plan.sound_only, plan.encode);
    result(one) == result(other) && (one.route == other.route || one.formats.len() == 1)
}

#[cfg(test)]
mod tests {
    use sluice_domain::{Codec, Format, MediaInfo, Protocol};

    use super::{super::offer::offers, *};

    fn format(id: u32, lines: u32, video: Codec, audio: Codec, filesize: Option<u64>) -> Format {
        Format {
            format_id: id.to_string(),
            ext: "mp4".to_owned(),
            protocol: Protocol::Http,
            video,
            audio,
            height: (lines > 0).then_some(lines),
            filesize,
            plain_get: true,
            ..Format::default()
        }
    }

    #[track_caller]
    fn check(formats: Vec<Format>, chosen: Preset, want: &[&[&str]]) {
        let info = MediaInfo { title: "Film".to_owned(), formats, ..MediaInfo::default() };
        let plans = worth_asking(&offers(&info, &Limits::default(), None), chosen);
        let asked: Vec<Vec<&str>> =
            plans.iter().map(|plan| plan.formats.iter().map(String::as_str).collect()).collect();
        assert_eq!(asked, want, "{chosen}");
    }

    #[test]
    fn a_file_is_asked_for_once_unless_its_size_is_known() {
        let file = |id, lines, size| format(id, lines, Codec::H264, Codec::Aac, size);
        check(vec![file(1, 480, None), file(2, 720, Some(7)), file(3, 1080, None)], Preset::P480, &[&["1"], &["3"]]);
        check(vec![file(1, 480, Some(7))], Preset::Best, &[]);
        check(vec![file(1, 480, Some(u64::MAX))], Preset::Best, &[]);
        let hls = Format { protocol: Protocol::Hls, ..file(1, 480, None) };
        check(vec![hls], Preset::Best, &[]);
    }

    #[test]
    fn of_many_pairs_the_chosen_one_is_asked_for() {
        let ladder = |rungs: &[u32]| {
            let video = rungs.iter().map(|lines| format(*lines, *lines, Codec::H264, Codec::None, Some(7)));
            [format(1, 0, Codec::None, Codec::Aac, Some(7))].into_iter().chain(video).collect::<Vec<_>>()
        };
        check(ladder(&[480, 720, 1080]), Preset::P720, &[&["720", "1"], &["1080", "1"], &["480", "1"]]);
        check(ladder(&[480, 720, 1080, 2160]), Preset::P720, &[&["720", "1"]]);
        check(ladder(&[480, 720, 1080, 2160]), Preset::Audio, &[]);
    }
}
