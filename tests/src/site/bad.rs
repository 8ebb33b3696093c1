//! Inputs that cannot become a file, each for its own reason.

use super::{Announce, Content, Delivery, Page, Resource, Site, Source};
use crate::media::Clips;

/// Serves what cannot be fetched: `/bad/page`, `/bad/{403,404,429,500}.mp4`, `/bad/truncated.mp4`, `/bad/empty.mp4`,
/// `/bad/live/index.m3u8`, `/bad/stalled.mp4`. Returns the paths.
pub fn publish_bad(site: &Site, clips: &Clips) -> Vec<&'static str> {
    site.publish_page("/bad/page", &Page { title: "Prose".into(), poster: None, source: Source::Nothing });
    let film = Content::new(clips.progressive.clone());
    let half = film.len() / 2;
    let claimed = Delivery { announce: Announce::Claim(film.len()), cut_at: Some(half), ..Delivery::default() };
    let deliveries = [
        ("/bad/403.mp4", Delivery::status(403)),
        ("/bad/404.mp4", Delivery::status(404)),
        ("/bad/429.mp4", Delivery { retry_after_s: Some(3600), ..Delivery::status(429) }),
        ("/bad/500.mp4", Delivery::status(500)),
        // Without ranges nobody can ask for the rest.
        ("/bad/truncated.mp4", claimed),
        ("/bad/stalled.mp4", Delivery::stall_at(half)),
    ];
    let mut paths = vec!["/bad/page", "/bad/empty.mp4", "/bad/live/index.m3u8"];
    for (path, delivery) in deliveries {
        site.publish(path, Resource::file("video/mp4", film.clone()));
        site.deliver(path, delivery);
        paths.push(path);
    }
    site.publish("/bad/empty.mp4", Resource::file("video/mp4", Content::new("")));
    live(site, clips);
    paths
}

/// A stream that goes on: the list has no end.
fn live(site: &Site, clips: &Clips) {
    for (name, bytes) in &clips.hls_ts {
        let path = format!("/bad/live/{name}");
        if name.ends_with(".m3u8") {
            let list = String::from_utf8_lossy(bytes).replace("#EXT-X-ENDLIST\n", "");
            let list = list.replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
            site.publish(&path, Resource::text("application/vnd.apple.mpegurl", list));
        } else {
            site.publish(&path, Resource::file("video/mp2t", Content::new(bytes.clone())));
        }
    }
}
