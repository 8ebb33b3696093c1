//! A picture that may be a cover: whole, and of a kind that players show.

use bytes::Bytes;
use sluice_transfer::Gate;
use url::Url;

use crate::http::Web;

/// The largest picture that is taken, in bytes.
const MAX_BYTES: usize = 2 << 20;

/// A JPEG or a PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cover {
    pub(crate) mime: &'static str,
    pub(crate) bytes: Bytes,
}

impl Cover {
    /// The first of these that is one. A file without a cover is none the worse for it.
    pub(crate) async fn fetch(web: &Web, addresses: &[Url], gate: &Gate) -> Option<Self> {
        for url in addresses {
            match web.small_file(url, MAX_BYTES, gate).await {
                Ok(bytes) => match Self::of(bytes) {
                    Some(cover) => return Some(cover),
                    None => tracing::debug!("A picture is neither a whole JPEG nor a whole PNG"),
                },
                Err(failure) => tracing::debug!(detail = failure.detail, "A picture cannot be had"),
            }
        }
        None
    }

    /// By its first and last bytes, whatever it is called.
    fn of(bytes: Bytes) -> Option<Self> {
        const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        const PNG_END: &[u8] = b"IEND\xaeB`\x82";
        let mime = if bytes.starts_with(b"\xff\xd8\xff") && bytes.ends_with(b"\xff\xd9") {
            "image/jpeg"
        } else if bytes.starts_with(PNG) && bytes.ends_with(PNG_END) {
            "image/png"
        } else {
            return None;
        };
        Some(Self { mime, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Body, TestServer, gate, loopback};

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture \xff\xd9";

    #[tokio::test]
    async fn the_first_whole_picture_is_the_cover() {
        let huge = [&JPEG[..4], &vec![0; MAX_BYTES], b"\xff\xd9"].concat();
        let server = TestServer::start()
            .on("/page", Body::Whole("text/html", JPEG.to_vec()))
            .on("/webp", Body::Whole("image/jpeg", b"RIFF0000WEBP".to_vec()))
            .on("/cut", Body::CutOff(100, JPEG.to_vec()))
            .on("/half", Body::Whole("image/jpeg", JPEG[..9].to_vec()))
            .on("/huge", Body::Whole("image/jpeg", huge))
            .on("/moved", Body::Redirect("/good".into()))
            .on("/good", Body::Whole("image/png", JPEG.to_vec()));
        let links = ["/gone", "/page", "/webp", "/cut", "/half", "/huge", "/moved"];
        let links: Vec<Url> = links.iter().map(|path| server.url(path).parse().unwrap()).collect();
        let web = Web::new(loopback(), sluice_domain::ByteSize(0), sluice_egress::READ_BYTES).unwrap();
        assert_eq!(Cover::fetch(&web, &links[..6], &gate()).await, None);
        let cover = Cover::fetch(&web, &links, &gate()).await.unwrap();
        assert_eq!((cover.mime, &cover.bytes[..]), ("image/jpeg", JPEG));
    }
}
