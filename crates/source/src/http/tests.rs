mod faults;
mod hls;
mod opening;
mod site;
mod speed;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt as _;
use serde_json::{Value, json};
use sluice_domain::{Failure, FailureKind};
use sluice_transfer::{Gate, Source};

use super::{Media, OpenError, Renew, Web, web::Tuning};
use crate::{
    Extraction,
    testing::{gate, loopback},
};
use site::File;

/// Links that are found when somebody looks again, one after another.
#[derive(Default)]
struct Found {
    formats: Mutex<Vec<Value>>,
    looked: AtomicUsize,
}

impl Found {
    fn these(formats: Vec<Value>) -> Arc<Self> {
        Arc::new(Self { formats: Mutex::new(formats), looked: AtomicUsize::new(0) })
    }

    fn looked(&self) -> usize {
        self.looked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Renew for Found {
    async fn renew(&self) -> Result<Extraction, Failure> {
        self.looked.fetch_add(1, Ordering::SeqCst);
        let mut formats = self.formats.lock().unwrap();
        if formats.is_empty() {
            return Err(Failure::new(FailureKind::Removed, "nothing there"));
        }
        Ok(extraction(&formats.remove(0)))
    }
}

fn extraction(format: &Value) -> Extraction {
    Extraction::from_json(json!({"formats": [format]}).to_string().into()).unwrap()
}

fn format(url: &str) -> Value {
    json!({"format_id": "7", "url": url, "protocol": "https", "ext": "mp4"})
}

fn media(format: &Value, found: &Arc<Found>) -> Arc<Media> {
    Arc::new(Media::new(&extraction(format), found.clone()))
}

/// Impatient where that costs nothing, and eager to split.
fn tuning() -> Tuning {
    Tuning {
        first_pause: Duration::from_millis(1),
        window: Duration::from_micros(200),
        worth_splitting: u64::MAX,
        segment: (32 * 1024, 128 * 1024),
        ..Tuning::default()
    }
}

fn web(tuning: Tuning) -> Web {
    Web::tuned(loopback(), tuning).unwrap()
}

fn file(size: usize, etag: Option<&'static str>) -> File {
    let mut bytes = vec![0; size];
    // No stretch of it looks like another, which a file of zeros would hide.
    for (number, part) in bytes.chunks_mut(8).enumerate() {
        let mixed = (number as u64 + size as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
        part.copy_from_slice(&mixed[..part.len()]);
    }
    File { bytes: bytes.into(), etag }
}

async fn open(web: &Web, format: &Value, gate: &Gate) -> Result<Arc<dyn Source>, OpenError> {
    web.open(&media(format, &Arc::default()), "7", gate).await
}

async fn opened(format: &Value) -> Result<Arc<dyn Source>, OpenError> {
    open(&web(tuning()), format, &gate()).await
}

fn failure(opened: Result<Arc<dyn Source>, OpenError>) -> Failure {
    match opened {
        Err(OpenError::Failed(failure)) => failure,
        Err(OpenError::Unsuitable(why)) => panic!("unsuitable: {why}"),
        Ok(_) => panic!("it opened"),
    }
}

/// What came, and why nothing more did.
async fn read(source: &dyn Source, from: u64, to: Option<u64>) -> (Vec<u8>, Option<Failure>) {
    let mut bytes = Vec::new();
    let mut stream = match source.open(from, to).await {
        Ok(stream) => stream,
        Err(failure) => return (bytes, Some(failure)),
    };
    while let Some(next) = stream.next().await {
        match next {
            Ok(next) => bytes.extend_from_slice(&next),
            Err(failure) => return (bytes, Some(failure)),
        }
    }
    (bytes, None)
}

#[track_caller]
fn same(got: &[u8], want: &[u8]) {
    if got != want {
        let differs = got.iter().zip(want).position(|(got, want)| got != want);
        panic!("{} of {} bytes, different at {differs:?}", got.len(), want.len());
    }
}
