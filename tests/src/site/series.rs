//! A series of small films, each with its own content, made when somebody asks: thousands of entries cost no memory.
//!
//! It can be reached in three ways: entry by entry, as the feed of a podcast, and as a playlist that comes page by page.

use std::fmt::Write as _;

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Content, Resource, Site};

/// Entries on one page of a playlist, as the largest site has it.
pub const PLAYLIST_PAGE: u32 = 100;
/// What each film carries that no other has, in bytes.
const OWN_BYTES: usize = 1024;

/// A series. Entries count from 1.
#[derive(Debug, Clone)]
pub struct Series {
    name: String,
    title: String,
    count: u32,
    film: Bytes,
}

impl Series {
    /// A series of `count` entries below `name`, each of them `film` with bytes of its own. A `name` is letters, digits and `_`.
    pub fn new(name: &str, title: &str, count: u32, film: &Bytes) -> Self {
        Self { name: name.into(), title: title.into(), count, film: film.clone() }
    }

    /// How many entries there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The title of an entry: no other entry has it.
    pub fn title_of(&self, number: u32) -> String {
        format!("{} {number:05}", self.title)
    }

    /// What a correct download of an entry contains: the film, and one legal `free` box that no other entry has.
    pub fn bytes_of(&self, number: u32) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.film.len() + OWN_BYTES);
        bytes.extend_from_slice(&self.film);
        bytes.put_u32(u32::try_from(OWN_BYTES).unwrap_or(0));
        bytes.extend_from_slice(b"free");
        let own = Sha256::digest(format!("{} {number}", self.name));
        bytes.extend(own.iter().cycle().take(OWN_BYTES - 8));
        bytes.freeze()
    }

    /// The path of the page of an entry, where the list of its one format is found.
    pub fn page_of(&self, number: u32) -> String {
        format!("/yt/{}-{number}", self.name)
    }

    /// The path of the file of an entry.
    pub fn file_of(&self, number: u32) -> String {
        format!("/series/{}/{number}.mp4", self.name)
    }

    fn number(&self, text: &str) -> Option<u32> {
        text.parse().ok().filter(|number| (1..=self.count).contains(number))
    }

    fn file(&self, rest: &str) -> Option<Resource> {
        let number = self.number(rest.strip_suffix(".mp4")?)?;
        Some(Resource::file("video/mp4", Content::new(self.bytes_of(number))))
    }

    fn page(&self, rest: &str) -> Option<Resource> {
        if let Some(number) = rest.strip_suffix("/player.json").and_then(|text| self.number(text)) {
            return Some(Resource::text("application/json", self.player(number).to_string()));
        }
        let title = self.title_of(self.number(rest)?);
        Some(Resource::text("text/html; charset=utf-8", format!("<!doctype html><title>{title}</title>")))
    }

    fn player(&self, number: u32) -> Value {
        json!({
            "videoDetails": { "videoId": format!("{}-{number}", self.name), "title": self.title_of(number) },
            "streamingData": { "formats": [{
                "itag": 18,
                "url": format!("{{base}}{}", self.file_of(number)),
                "mimeType": "video/mp4",
                "contentLength": self.bytes_of(number).len().to_string(),
            }] },
        })
    }

    /// A page of the playlist, counted from 0. A page behind the last one is empty, as there.
    fn playlist_page(&self, rest: &str) -> Option<Resource> {
        let page: u32 = rest.strip_suffix(".json")?.parse().ok()?;
        let first = page.checked_mul(PLAYLIST_PAGE)?;
        let numbers = first + 1..=self.count.min(first.checked_add(PLAYLIST_PAGE)?);
        let videos: Vec<String> = numbers.map(|number| format!("{}-{number}", self.name)).collect();
        Some(Resource::text("application/json", json!({ "title": self.title, "videos": videos }).to_string()))
    }

    /// RSS 2.0 with enclosures, as podcasts are published. No size is told: most are wrong in real feeds.
    fn feed(&self) -> String {
        let mut rss = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>{}</title><link>{{base}}/</link>\n",
            self.title
        );
        for number in 1..=self.count {
            let (title, file) = (self.title_of(number), self.file_of(number));
            let _ = writeln!(
                rss,
                "<item><title>{title}</title><guid isPermaLink=\"false\">{}-{number}</guid>\
                 <enclosure url=\"{{base}}{file}\" type=\"video/mp4\"/></item>",
                self.name
            );
        }
        rss + "</channel></rss>\n"
    }
}

impl Site {
    /// Serves the entries of `series` at [`Series::page_of`] and [`Series::file_of`].
    pub fn publish_series(&self, series: &Series) {
        let made = |prefix: String, make: fn(&Series, &str) -> Option<Resource>| {
            let series = series.clone();
            self.publish_made(&prefix, move |rest| make(&series, rest));
        };
        made(format!("/series/{}/", series.name), Series::file);
        made(format!("/yt/{}-", series.name), Series::page);
    }

    /// Serves `series` with a feed of its entries, newest last; returns the feed's path.
    pub fn publish_feed(&self, series: &Series) -> String {
        self.publish_series(series);
        let (path, series) = (format!("/feed/{}.xml", series.name), series.clone());
        // The feed of a long series is made anew each time too.
        self.publish_made(&path, move |rest| {
            rest.is_empty().then(|| Resource::text("application/rss+xml", series.feed()))
        });
        path
    }

    /// Serves `series` with a playlist that comes in pages of [`PLAYLIST_PAGE`], page `n` at `{path}/{n}.json`; returns its path.
    pub fn publish_pages(&self, series: &Series) -> String {
        self.publish_series(series);
        let (path, series) = (format!("/ytpages/{}", series.name), series.clone());
        self.publish_made(&format!("{path}/"), move |rest| series.playlist_page(rest));
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_its_own_content_and_the_last_page_is_short() {
        let series = Series::new("s", "S", 250, &Bytes::from_static(b"film"));
        assert_eq!(series.bytes_of(7), series.bytes_of(7));
        assert_ne!(series.bytes_of(7), series.bytes_of(8));
        assert_eq!(series.bytes_of(7).len(), 4 + OWN_BYTES);
        assert!(series.file("250.mp4").is_some() && series.file("251.mp4").is_none() && series.file("0.mp4").is_none());
        let page = |name: &str| format!("{:?}", series.playlist_page(name));
        assert!(page("2.json").contains("s-250") && !page("2.json").contains("s-200\\"));
        assert!(page("3.json").contains("[]"));
        assert_eq!(series.feed().matches("<item>").count(), 250);
    }
}
