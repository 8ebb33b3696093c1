//! What each preset would bring, or why it would be refused.

use sluice_domain::{ByteSize, Failure, FailureKind, Length, Limits, MediaInfo, Plan, Preset, plan::plan};
use sluice_source::Extraction;

/// One preset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offer {
    pub(crate) preset: Preset,
    /// What it brings; of one that is refused, what it would.
    pub(crate) plan: Option<Plan>,
    pub(crate) length: Length,
    pub(crate) refusal: Option<Failure>,
}

/// One for each preset, in the order in which they are offered.
pub(super) fn offers(extraction: &Extraction, limits: &Limits, free_space: Option<ByteSize>) -> Vec<Offer> {
    let offer = |preset| {
        let (plan, refusal) = match plan(&extraction.info, preset, limits, free_space) {
            Ok(plan) => (Some(plan), None),
            Err(refusal) => (without_limits(&extraction.info, preset, limits, &refusal), Some(refusal)),
        };
        let length = plan.as_ref().map_or(Length::Unknown, measure);
        Offer { preset, plan, length, refusal }
    };
    Preset::ALL.into_iter().map(offer).collect()
}

/// How long the result will be, as exactly as can be told without fetching the media.
fn measure(plan: &Plan) -> Length {
    plan.length
}

/// What is too large, so that its size can be shown. "The best that fits" is nothing in particular where nothing fits.
fn without_limits(info: &MediaInfo, preset: Preset, limits: &Limits, refusal: &Failure) -> Option<Plan> {
    let over = matches!(refusal.kind, FailureKind::TooLarge | FailureKind::QuotaExceeded) && preset != Preset::Fit;
    let boundless = Limits { max_file_bytes: ByteSize(u64::MAX), ..limits.clone() };
    over.then(|| plan(info, preset, &boundless, None).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use sluice_domain::{Codec, Format, Protocol};

    use super::*;

    #[test]
    fn what_is_refused_tells_its_size_and_its_reason() {
        let format = |id: &str, height, bytes| Format {
            format_id: id.to_owned(),
            ext: "mp4".to_owned(),
            protocol: Protocol::Http,
            video: Codec::H264,
            audio: Codec::Aac,
            height: Some(height),
            filesize: Some(bytes),
            plain_get: true,
            ..Format::default()
        };
        let formats = vec![format("small", 480, 20_000_000), format("large", 1080, 9_100_000_000)];
        let info = MediaInfo { title: "Long film".to_owned(), formats, ..MediaInfo::default() };
        let offers = offers(&Extraction { info, json: "{}".into() }, &Limits::default(), None);
        let tell = |preset| {
            let offer = offers.iter().find(|offer| offer.preset == preset).unwrap();
            (offer.length, offer.refusal.as_ref().map(|refusal| refusal.message().into_owned()))
        };
        let large = "Too large: at least 9.1 GB, the limit is 4 GB. 480p would fit (20 MB).".to_owned();
        assert_eq!(tell(Preset::Best), (Length::Exact(9_100_000_000), Some(large)));
        assert_eq!(tell(Preset::P480), (Length::Exact(20_000_000), None));
        assert_eq!(tell(Preset::Fit), (Length::Exact(20_000_000), None));
        let nothing = FailureKind::NoSuchFormat.user_message().to_owned();
        assert_eq!(tell(Preset::Opus), (Length::Unknown, Some(nothing)));
        assert_eq!(offers.len(), Preset::ALL.len());
    }
}
