//! Large media as adaptive sites offer it: a page with a list, the files behind plain, secure or signed addresses.

use std::{fmt::Write as _, path::Path};

use anyhow::{Result, ensure};
use bytes::Bytes;

use super::{Content, Format, Listing, Resource, Site, Size};
use crate::media::{Long, Track, packets};

/// What the addresses of the files in a list look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// The page's own host.
    Plain,
    /// TLS, on a site that speaks it.
    Secure,
    /// With a token that is another one each time the list is asked for; with [`super::Delivery::expiring`] an old one is soon worth nothing.
    Signed,
}

impl Links {
    fn to(self, path: &str) -> String {
        match self {
            Self::Plain => path.to_owned(),
            Self::Secure => format!("{{secure}}{path}"),
            Self::Signed => format!("{path}?token={{fresh}}"),
        }
    }
}

/// One page and what is behind it.
#[derive(Debug, Clone)]
pub struct Stream {
    /// The path whose address a person would paste.
    pub path: String,
    /// The files, picture first, each with its path.
    pub files: Vec<(String, Content)>,
}

impl Stream {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, content)| content.len()).sum()
    }

    /// An error unless the file at `landed` is what was served: to the byte where it is one file, to the packet where it is a pair.
    pub async fn compare(&self, landed: &Path) -> Result<()> {
        if let [(_, content)] = &self.files[..] {
            return content.compare(landed);
        }
        let found = packets(landed).await?;
        let mut expected = Vec::new();
        for (_, content) in &self.files {
            let file = tempfile::NamedTempFile::new()?;
            content.write(file.path())?;
            expected.extend(packets(file.path()).await?);
        }
        ensure!(found == expected, "other packets: {found:#?} instead of {expected:#?}");
        Ok(())
    }
}

impl Site {
    /// Serves separate picture and sound.
    pub fn publish_pair(&self, id: &str, film: &Long, links: Links) -> Stream {
        let tracks = [(136, &film.video), (140, &film.audio)];
        let mut files = Vec::new();
        let mut formats = Vec::new();
        for (itag, track) in tracks {
            let (path, content) = (format!("/media/{id}/{itag}"), Content::joined(track.parts.iter().cloned()));
            self.publish(&path, Resource::file(track.mime, content.clone()));
            formats.push(format(itag, track, links.to(&path)));
            files.push((path, content));
        }
        Stream { path: self.list(id, film.video.seconds, formats), files }
    }

    /// Serves one file with picture and sound, an MP4 of one second's `content`.
    pub fn publish_single(&self, id: &str, content: &Content, links: Links) -> Stream {
        let path = format!("/media/{id}/18");
        self.publish(&path, Resource::file("video/mp4", content.clone()));
        let format = Format {
            itag: 18,
            path: links.to(&path),
            mime: "video/mp4; codecs=\"avc1.64001f, mp4a.40.2\"".into(),
            picture: Some((64, 36)),
            bits_per_second: content.len() * 8,
            size: Size::Exact(content.len()),
        };
        Stream { path: self.list(id, 1, vec![format]), files: vec![(path, content.clone())] }
    }

    /// Serves an HLS film of one transport stream segment so many times over, each time with a discontinuity, as its clock begins anew;
    /// returns the path of its list.
    pub fn publish_segments(&self, id: &str, segment: &Bytes, times: usize) -> String {
        let mut list = String::from("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n");
        for number in 0..times {
            let _ = write!(list, "#EXT-X-DISCONTINUITY\n#EXTINF:2.0,\npart{number}.ts\n");
        }
        let content = Content::new(segment.clone());
        self.publish_made(&format!("/{id}/part"), move |_| Some(Resource::file("video/mp2t", content.clone())));
        let path = format!("/{id}/index.m3u8");
        self.publish(&path, Resource::text("application/vnd.apple.mpegurl", list + "#EXT-X-ENDLIST\n"));
        path
    }

    fn list(&self, id: &str, seconds: u32, formats: Vec<Format>) -> String {
        let title = format!("Stream {id}");
        self.publish_listing(&Listing { id: id.into(), title, seconds, thumbnail: None, formats })
    }
}

fn format(itag: u32, track: &Track, path: String) -> Format {
    let bytes = track.bytes();
    Format {
        itag,
        path,
        mime: format!("{}; codecs=\"{}\"", track.mime, track.codecs),
        picture: (track.height > 0).then_some((track.width, track.height)),
        bits_per_second: (bytes * 8).div_ceil(u64::from(track.seconds.max(1))),
        size: Size::Exact(bytes),
    }
}
