//! What each preset would bring, or why it would be refused.

use sluice_domain::{
    ByteSize, Failure, FailureKind, Length, Limits, MediaInfo, Plan, Preset,
    plan::{judge, plan},
};

use super::measure::{Measured, same};

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
pub(super) fn offers(info: &MediaInfo, limits: &Limits, free_space: Option<ByteSize>) -> Vec<Offer> {
    let offer = |preset| {
        let (plan, refusal) = match plan(info, preset, limits, free_space) {
            Ok(plan) => (Some(plan), None),
            Err(refusal) => (without_limits(info, preset, limits, &refusal), Some(refusal)),
        };
        let length = plan.as_ref().map_or(Length::Unknown, |plan| plan.length);
        Offer { preset, plan, length, refusal }
    };
    Preset::ALL.into_iter().map(offer).collect()
}

/// Tells the sizes that were measured. What turns out to be too large is refused, as if the site had announced it.
pub(super) fn settle(
    offers: &mut [Offer],
    measured: &[Measured],
    info: &MediaInfo,
    limits: &Limits,
    free_space: Option<ByteSize>,
) {
    for offer in offers.iter_mut().filter(|offer| offer.refusal.is_none()) {
        let Some(plan) = &offer.plan else { continue };
        if let Some((_, bytes)) = measured.iter().find(|(known, _)| same(known, plan)) {
            offer.length = Length::Exact(*bytes);
            offer.refusal = judge(ByteSize(*bytes), info, offer.preset, limits, free_space).err();
        }
    }
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

    fn format(id: &str, height: u32, filesize: Option<u64>) -> Format {
        Format {
            format_id: id.to_owned(),
            ext: "mp4".to_owned(),
            protocol: Protocol::Http,
            video: Codec::H264,
            audio: Codec::Aac,
            height: Some(height),
            filesize,
            plain_get: true,
            ..Format::default()
        }
    }

    fn film(formats: Vec<Format>) -> MediaInfo {
        MediaInfo { title: "Long film".to_owned(), formats, ..MediaInfo::default() }
    }

    fn told(offers: &[Offer], preset: Preset) -> (Length, Option<String>) {
        let offer = offers.iter().find(|offer| offer.preset == preset).unwrap();
        (offer.length, offer.refusal.as_ref().map(|refusal| refusal.message().into_owned()))
    }

    #[test]
    fn what_is_refused_tells_its_size_and_its_reason() {
        let info = film(vec![format("small", 480, Some(20_000_000)), format("large", 1080, Some(9_100_000_000))]);
        let offers = offers(&info, &Limits::default(), None);
        let tell = |preset| told(&offers, preset);
        let large = "Too large: at least 9.1 GB, the limit is 4 GB. 480p would fit (20 MB).".to_owned();
        assert_eq!(tell(Preset::Best), (Length::Exact(9_100_000_000), Some(large)));
        assert_eq!(tell(Preset::P480), (Length::Exact(20_000_000), None));
        assert_eq!(tell(Preset::Fit), (Length::Exact(20_000_000), None));
        assert_eq!(tell(Preset::Mp3), (Length::Unknown, None));
        assert_eq!(offers.len(), Preset::ALL.len());
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let silent = film(vec![Format { audio: Codec::None, ..format("silent", 480, Some(7)) }]);
        let nothing = FailureKind::NoSuchFormat.user_message().to_owned();
        for preset in [Preset::Audio, Preset::M4a, Preset::Mp3, Preset::Opus] {
            let offers = offers(&silent, &Limits::default(), None);
            assert_eq!(told(&offers, preset), (Length::Unknown, Some(nothing.clone())));
        }
    }

    #[test]
    fn what_was_measured_is_told_and_judged() {
        let info = film(vec![format("small", 480, Some(20_000_000)), format("large", 1080, None)]);
        let check = |bytes, free_space, want: Option<&str>| {
            let mut offers = offers(&info, &Limits::default(), free_space);
            assert_eq!(told(&offers, Preset::Best), (Length::Unknown, None));
            let large = offers[0].plan.clone().unwrap();
            settle(&mut offers, &[(large, bytes)], &info, &Limits::default(), free_space);
            assert_eq!(told(&offers, Preset::Best), (Length::Exact(bytes), want.map(str::to_owned)));
            assert_eq!(told(&offers, Preset::P1080), told(&offers, Preset::Best));
            assert_eq!(told(&offers, Preset::P480), (Length::Exact(20_000_000), None));
        };
        check(4_000_000_000, None, None);
        check(4_000_000_001, None, Some("Too large: at least 4 GB, the limit is 4 GB. 480p would fit (20 MB)."));
        let full = "Your Dropbox is too full: this needs 50 MB, 30 MB are free. Free some space, then retry.";
        check(50_000_000, Some(ByteSize(30_000_000)), Some(full));
    }

    #[test]
    fn a_file_is_as_long_by_another_route() {
        let info = film(vec![Format { video: Codec::Unknown, audio: Codec::Unknown, ..format("0", 480, None) }]);
        let mut offers = offers(&info, &Limits::default(), None);
        let file = offers[0].plan.clone().unwrap();
        settle(&mut offers, &[(file, 7)], &info, &Limits::default(), None);
        assert_eq!(told(&offers, Preset::Iphone), (Length::Exact(7), None));
    }
}
