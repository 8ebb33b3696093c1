//! The route of a picture and a sound that come as two files: both are streamed and laid out as one, on the way, by [`sluice_mux`].
//!
//! The layout is known from the two headers, so the length is exact before any media is fetched, and every byte of the output is a
//! function of its offset: the result can be read from anywhere, by any process, as often as needed.

mod headers;
mod stream;
mod tail;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream as streams};
use sluice_domain::{Failure, Length};
use sluice_mux::{Hint, Layout, Pair, Plan, Tables, Track, Unsuitable};
use sluice_transfer::{ByteStream, Source};
use tokio::sync::OnceCell;

use headers::{header, scan};
use stream::Reading;

/// Why a pair is not interleaved here.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Not by this route; another one may serve.
    Unsuitable(Unsuitable),
    /// It cannot be read now.
    Failed(Failure),
}

impl From<Unsuitable> for Refused {
    fn from(why: Unsuitable) -> Self {
        Self::Unsuitable(why)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Two inputs, read as one file.
pub(crate) struct Interleaved(Arc<Inner>);

struct Inner {
    plan: Plan,
    inputs: Inputs,
    /// What has passed, for the tail.
    tables: Mutex<Tables>,
    tail: OnceCell<Bytes>,
    fingerprint: Option<String>,
}

/// The picture and the sound.
#[derive(Clone)]
pub(crate) struct Inputs {
    pub(crate) video: Arc<dyn Source>,
    pub(crate) audio: Arc<dyn Source>,
}

impl Inputs {
    fn get(&self, track: Track) -> &Arc<dyn Source> {
        match track {
            Track::Video => &self.video,
            Track::Audio => &self.audio,
        }
    }

    /// A short range, whole.
    async fn read(&self, track: Track, range: std::ops::Range<u64>) -> Result<Bytes, Failure> {
        let (from, wanted) = (range.start, range.end - range.start);
        let pieces: Vec<Bytes> = self.get(track).open(from, Some(range.end)).await?.try_collect().await?;
        let bytes: Bytes = if let [one] = &pieces[..] { one.clone() } else { pieces.concat().into() };
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(Failure::internal(format!("{} bytes where {wanted} were asked for", bytes.len())))
        }
    }
}

impl Interleaved {
    /// Reads the two headers and plans the output.
    ///
    /// # Errors
    /// [`Refused::Unsuitable`] when the inputs are not of a kind that can be laid out to the byte.
    pub(crate) async fn open(inputs: Inputs, layout: Layout, hint: Hint) -> Result<Self, Refused> {
        let (video, audio) = futures::try_join!(header(&inputs, Track::Video), header(&inputs, Track::Audio))?;
        let pair = Pair::new(video, audio)?;
        let mut tables = Tables::new(&pair);
        let needs = tables.needs(layout);
        let scans = needs.into_iter().map(|(track, index)| scan(&inputs, &pair, track, index));
        let mut scanned = streams::iter(scans).buffered(tail::AT_ONCE);
        while let Some((track, index, table)) = scanned.try_next().await? {
            tables.insert(track, index, table)?;
        }
        drop(scanned);
        let plan = Plan::new(layout, &pair, &mut tables, hint)?;
        let fingerprint = match (inputs.video.fingerprint(), inputs.audio.fingerprint()) {
            (Some(video), Some(audio)) => Some(hex::encode(plan.fingerprint([video, audio]))),
            _ => None,
        };
        Ok(Self(Arc::new(Inner { plan, inputs, tables: Mutex::new(tables), tail: OnceCell::new(), fingerprint })))
    }
}

impl Inner {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Source for Interleaved {
    fn length(&self) -> Length {
        Length::Exact(self.0.plan.len())
    }

    fn fingerprint(&self) -> Option<&str> {
        self.0.fingerprint.as_deref()
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        let total = self.0.plan.len();
        let to = to.unwrap_or(total);
        if from > to || to > total {
            return Err(Failure::internal(format!("bytes {from} to {to} of {total}")));
        }
        Ok(streams::try_unfold(Reading::new(self.0.clone(), from, to), Reading::next).boxed())
    }
}

/// A stream that turned out to be other than its header said cannot be gone on with; the next attempt takes another route.
fn torn(why: &Unsuitable) -> Failure {
    Failure::internal(format!("interleave: {why}")).transient()
}

#[cfg(test)]
mod tests;
