//! The tail: the sample tables of everything before it.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sluice_domain::Failure;
use sluice_mux::Track;

use super::{Inner, Refused, headers::scan, torn};

/// Small requests at once.
pub(super) const AT_ONCE: usize = 8;

impl Inner {
    /// The bytes after the media. What has not come by here, because another process had that part or because it was read in pieces, is
    /// looked up: one small request for each fragment.
    pub(super) async fn tail(&self) -> Result<&Bytes, Failure> {
        self.tail.get_or_try_init(|| self.make_tail()).await
    }

    async fn make_tail(&self) -> Result<Bytes, Failure> {
        let missing: Vec<_> = {
            let tables = self.tables();
            Track::BOTH.into_iter().flat_map(|track| tables.missing(track).map(move |index| (track, index))).collect()
        };
        let scans = missing.into_iter().map(|(track, index)| scan(&self.inputs, self.plan.pair(), track, index));
        let mut scanned = stream::iter(scans).buffered(AT_ONCE);
        while let Some((track, index, table)) = scanned.try_next().await.map_err(failed)? {
            self.tables().insert(track, index, table).map_err(|why| torn(&why))?;
        }
        self.plan.tail(&self.tables()).map_err(|why| torn(&why))
    }
}

fn failed(refused: Refused) -> Failure {
    match refused {
        Refused::Failed(failure) => failure,
        Refused::Unsuitable(why) => torn(&why),
    }
}
