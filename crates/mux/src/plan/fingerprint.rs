//! What two plans must share for one to go on where the other stopped.

use sha2::{Digest as _, Sha256};

use super::{Layout, Plan};
use crate::Track;

/// Changes whenever the same inputs would give other bytes.
const VERSION: &[u8] = b"sluice-mux 1";

impl Plan {
    /// SHA-256 over everything that decides the output's bytes before the media is read: layout, length, headers, fragments,
    /// the inputs' lengths, and their entity tags (empty where a server sends none), which stand for the media.
    pub fn fingerprint(&self, etags: [&str; 2]) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes);
        };
        field(VERSION);
        field(match self.layout {
            Layout::Hybrid => b"hybrid",
            Layout::Faststart => b"faststart",
            Layout::Fragmented => b"fragmented",
        });
        field(&self.len().to_be_bytes());
        field(&self.head);
        for (track, etag) in Track::BOTH.into_iter().zip(etags) {
            let header = self.pair.header(track);
            field(etag.as_bytes());
            field(&header.total().to_be_bytes());
            field(&header.track().moov);
            for fragment in header.fragments() {
                field(&fragment.start.to_be_bytes());
                field(&fragment.end.to_be_bytes());
                field(&fragment.time.to_be_bytes());
            }
        }
        hash.finalize().into()
    }
}
