//! How long the result of a plan will be, to the byte, before anything of it is queued.
//!
//! What the site's headers tell is asked for, nothing of the media itself. It opens what the route would open, so both give the same figure.

use std::sync::Arc;

use async_trait::async_trait;
use sluice_domain::{ByteSize, Failure, FailureKind, Length, Plan, Protocol, Route};
use sluice_egress::{Egress, READ_BYTES};
use sluice_transfer::Gate;

use crate::{
    Extraction, Renew, SourceError,
    http::{OpenError, Web},
    route::Fetch,
};

/// Asks sites for sizes. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Meter {
    web: Web,
}

impl Meter {
    /// One for a process, which dials what `egress` lets it dial.
    ///
    /// # Errors
    /// When the client for the web cannot be made.
    pub fn new(egress: Egress) -> Result<Self, SourceError> {
        Ok(Self { web: Web::new(egress, ByteSize(0), READ_BYTES)? })
    }

    /// The exact length where it can be had; `plan.length` where it cannot. It may take as long as the site's patience lasts: whoever waits
    /// drops it.
    pub async fn measure(&self, plan: &Plan, extraction: &Extraction, gate: &Gate) -> Length {
        if in_fragments(plan, extraction) {
            return plan.length;
        }
        let fetch = Fetch::new(&self.web, plan, extraction, Arc::new(Never), gate);
        let measured = match plan.route {
            Route::Direct => fetch.file().await.map(|file| file.length()),
            Route::Interleave => fetch.pair().await.map(|pair| pair.length()),
            Route::Pipe | Route::Spool => return plan.length,
        };
        match measured {
            Ok(Length::Exact(bytes)) => Length::Exact(bytes),
            Ok(Length::Estimate(_) | Length::Unknown) => plan.length,
            Err(error) => {
                let (OpenError::Unsuitable(detail) | OpenError::Failed(Failure { detail, .. })) = error;
                tracing::debug!(detail, "A size is not measured");
                plan.length
            }
        }
    }
}

/// Their sum costs a request for each, thousands for a long film: too many for a figure that nobody may need.
fn in_fragments(plan: &Plan, extraction: &Extraction) -> bool {
    let formats = extraction.info.formats.iter().filter(|format| plan.formats.contains(&format.format_id));
    formats.into_iter().any(|format| format.protocol == Protocol::Dash)
}

/// Addresses that have expired are not worth looking at the link again, for a figure.
struct Never;

#[async_trait]
impl Renew for Never {
    async fn renew(&self) -> Result<Extraction, Failure> {
        Err(Failure::new(FailureKind::SiteBusy, "the addresses have expired"))
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use serde_json::{Value, json};
    use sluice_domain::{Limits, Preset, plan::plan};

    use super::*;
    use crate::{
        Layout, Routes, RoutesConfig,
        testing::{Body, TestServer, gate, loopback, pair, tools},
    };

    fn extraction(formats: &Value) -> Extraction {
        let info = json!({ "id": "1", "title": "Film", "extractor": "Site", "duration": 6.0, "formats": formats });
        Extraction::from_json(info.to_string().into()).unwrap()
    }

    fn planned(extraction: &Extraction, route: Route) -> Plan {
        let plan = plan(&extraction.info, Preset::Best, &Limits::default(), None).unwrap();
        assert_eq!(plan.route, route);
        plan
    }

    fn file(url: &str) -> Value {
        json!({ "format_id": "0", "url": url, "protocol": "http", "ext": "mp4", "vcodec": "avc1", "acodec": "mp4a" })
    }

    async fn measure(format: &Value) -> Length {
        let extraction = extraction(&json!([format]));
        let plan = planned(&extraction, Route::Direct);
        Meter::new(loopback()).unwrap().measure(&plan, &extraction, &gate()).await
    }

    /// What the route of this plan brings.
    async fn fetched(plan: &Plan, extraction: &Extraction) -> Vec<u8> {
        let spool = tempfile::tempdir().unwrap();
        let bytes = ByteSize(1 << 30);
        let config = RoutesConfig {
            spool_dir: spool.path().to_path_buf(),
            spool_bytes: bytes,
            buffer_bytes: bytes,
            window_bytes: crate::UPLOAD_WINDOW,
            read_bytes: READ_BYTES,
            tools: tools(),
        };
        let fetched = Routes::open(config)
            .unwrap()
            .fetch(plan, extraction, Layout::Hybrid, Arc::new(Never), &gate())
            .await
            .unwrap();
        assert_eq!(fetched.route, plan.route);
        let pieces: Vec<_> = fetched.source.open(0, None).await.unwrap().try_collect().await.unwrap();
        pieces.concat()
    }

    #[tokio::test]
    async fn a_file_is_measured_by_its_first_byte() {
        let server = TestServer::start()
            .on("/ranges", Body::Ranges("video/mp4", vec![7; 4321]))
            .on("/whole", Body::Whole("video/mp4", vec![7; 1234]));
        assert_eq!(measure(&file(&server.url("/ranges"))).await, Length::Exact(4321));
        assert_eq!(measure(&file(&server.url("/whole"))).await, Length::Exact(1234));
        assert_eq!(server.requests(), ["/ranges", "/whole"]);
    }

    #[tokio::test]
    async fn what_nobody_tells_stays_an_estimate() {
        let server = TestServer::start().on("/chunked", Body::Chunked("video/mp4", vec![7; 4321]));
        for (path, estimate) in [("/chunked", Some(4000)), ("/chunked", None), ("/gone", Some(4000))] {
            let mut format = file(&server.url(path));
            format["filesize_approx"] = json!(estimate);
            assert_eq!(measure(&format).await, estimate.map_or(Length::Unknown, Length::Estimate), "{path}");
        }
    }

    #[tokio::test]
    async fn what_comes_in_fragments_is_not_asked_for_piece_by_piece() {
        let server = TestServer::start().on("/1", Body::Ranges("video/mp4", vec![7; 10]));
        let mut format = file(&server.url("/film.mpd"));
        format["protocol"] = json!("http_dash_segments");
        format["fragments"] = json!([{ "url": server.url("/1") }]);
        assert_eq!(measure(&format).await, Length::Unknown);
        assert_eq!(server.requests(), [""; 0]);
    }

    #[tokio::test]
    async fn a_pair_is_as_long_as_what_its_route_brings() {
        let (video, audio) = pair();
        let parts = video.len() + audio.len();
        let server = TestServer::start()
            .on("/video", Body::Ranges("video/mp4", video))
            .on("/audio", Body::Ranges("audio/mp4", audio));
        let part = |id, path, ext, video, audio| {
            json!({ "format_id": id, "url": server.url(path), "protocol": "http", "ext": ext, "vcodec": video,
                "acodec": audio, "fps": 15 })
        };
        let audio = part("0", "/audio", "m4a", "none", "mp4a.40.2");
        let extraction = extraction(&json!([audio, part("1", "/video", "mp4", "avc1.42c00c", "none")]));
        let plan = planned(&extraction, Route::Interleave);
        let measured = Meter::new(loopback()).unwrap().measure(&plan, &extraction, &gate()).await;
        let whole = fetched(&plan, &extraction).await;
        assert!(whole.len() > parts);
        assert_eq!(measured, Length::Exact(whole.len() as u64));
    }
}
