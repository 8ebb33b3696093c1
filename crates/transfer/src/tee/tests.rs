use std::sync::atomic::{AtomicU64, Ordering};

use futures::{TryStreamExt, poll, stream};
use sluice_domain::{ByteSize, Limits};
use tokio::sync::mpsc;

use super::*;
use crate::{BufferBudget, Gate};

const WINDOW: u64 = 100;
const CHUNK: u64 = 30;

fn bytes(from: u64, to: u64) -> Vec<u8> {
    (from..to).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// So many bytes, which count how many of them were asked for.
struct Counted {
    length: Length,
    bytes: u64,
    end: Option<Failure>,
    asked: Arc<AtomicU64>,
}

#[async_trait]
impl Source for Counted {
    fn length(&self) -> Length {
        self.length
    }

    fn fingerprint(&self) -> Option<&str> {
        Some("mark")
    }

    async fn open(&self, from: u64, _: Option<u64>) -> Result<ByteStream, Failure> {
        let (length, asked) = (self.bytes, self.asked.clone());
        let chunks = (from..length).step_by(usize::try_from(CHUNK).unwrap()).map(move |from| {
            let to = (from + CHUNK).min(length);
            asked.fetch_add(to - from, Ordering::Relaxed);
            Ok(Bytes::from(bytes(from, to)))
        });
        Ok(stream::iter(chunks).chain(stream::iter(self.end.clone().map(Err))).boxed())
    }
}

async fn share() -> BufferShare {
    BufferBudget::new(ByteSize(1 << 20)).take(WINDOW, &Gate::new(&Limits::default())).await.unwrap()
}

async fn split(bytes: u64, end: Option<Failure>) -> (Tee, ByteStream, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let source = Arc::new(Counted { length: Length::Exact(bytes), bytes, end, asked: asked.clone() });
    let stream = source.open(0, None).await.unwrap();
    let (tee, beside) = tee(source, stream, WINDOW, share().await);
    (tee, beside, asked)
}

/// Takes everything as a sink does: a piece, and then it is released.
async fn sink(tee: &Tee) -> Result<Vec<u8>, Failure> {
    let (mut reader, mut all) = (tee.open(0, None).await?, Vec::new());
    while let Some(chunk) = reader.try_next().await? {
        all.extend(chunk);
        tokio::task::yield_now().await;
        tee.release(all.len() as u64);
    }
    Ok(all)
}

async fn take(beside: &mut ByteStream, least: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < least {
        all.extend(beside.next().await.unwrap().unwrap());
    }
    all
}

#[tokio::test]
async fn both_have_every_byte_and_each_is_fetched_once() {
    let (tee, mut beside, asked) = split(10_000, None).await;
    assert_eq!((tee.access(), tee.fingerprint()), (Access::Forward { window: WINDOW }, Some("mark")));
    let other = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(chunk) = beside.try_next().await.unwrap() {
            all.extend(chunk);
            for _ in 0..all.len() % 5 {
                tokio::task::yield_now().await;
            }
        }
        all
    });
    assert_eq!(sink(&tee).await.unwrap(), bytes(0, 10_000));
    assert_eq!(other.await.unwrap(), bytes(0, 10_000));
    assert_eq!(asked.load(Ordering::Relaxed), 10_000);
    assert!(!tee.is_left());
}

#[tokio::test]
async fn the_slower_side_sets_the_pace() {
    let (tee, mut beside, asked) = split(1000, None).await;
    // The sink takes nothing: a window, and the chunk that goes over it.
    assert_eq!(take(&mut beside, 120).await, bytes(0, 120));
    assert!(poll!(beside.next()).is_pending());
    let mut reader = tee.open(0, None).await.unwrap();
    assert_eq!(take(&mut reader, 120).await, bytes(0, 120));
    // Nor does it go on while the other side stands still.
    tee.release(90);
    assert_eq!(take(&mut reader, 90).await, bytes(120, 210));
    assert!(poll!(reader.next()).is_pending());
    assert_eq!(asked.load(Ordering::Relaxed), 210);
    assert_eq!(take(&mut beside, 1).await, bytes(120, 150));
    tee.release(150);
    assert_eq!(take(&mut reader, 1).await, bytes(210, 240));
    // What the sink has not released can be read again.
    let mut again = tee.open(160, None).await.unwrap();
    assert_eq!(take(&mut again, 50).await, bytes(160, 210));
    assert!(tee.open(149, None).await.is_err());
}

#[tokio::test]
async fn without_the_sink_the_other_side_goes_on() {
    let (tee, mut beside, asked) = split(1000, None).await;
    take(&mut beside, 120).await;
    let rest = tokio::spawn(async move { beside.try_collect::<Vec<_>>().await.unwrap().concat() });
    tokio::task::yield_now().await;
    drop(tee);
    assert_eq!(rest.await.unwrap(), bytes(120, 1000));
    assert_eq!(asked.load(Ordering::Relaxed), 1000);
}

#[tokio::test]
async fn when_the_other_side_leaves_the_sink_hears_of_it() {
    let (tee, mut beside, asked) = split(1000, None).await;
    let mut reader = tee.open(0, None).await.unwrap();
    take(&mut beside, 30).await;
    take(&mut reader, 120).await;
    let waiting = tokio::spawn(async move { reader.next().await });
    tokio::task::yield_now().await;
    drop(beside);
    assert_eq!(waiting.await.unwrap().unwrap().unwrap_err().kind, FailureKind::Cancelled);
    assert!(tee.is_left());
    assert!(asked.load(Ordering::Relaxed) < 200);
}

#[tokio::test]
async fn who_has_every_byte_has_not_left() {
    let (tee, mut beside, _) = split(90, None).await;
    assert_eq!(take(&mut beside, 90).await, bytes(0, 90));
    drop(beside);
    assert_eq!(sink(&tee).await.unwrap(), bytes(0, 90));
    assert!(!tee.is_left());
}

#[tokio::test]
async fn a_failure_of_the_source_is_told_to_both_and_nobody_has_left() {
    let (tee, mut beside, _) = split(60, Some(Failure::new(FailureKind::Network, "cut"))).await;
    take(&mut beside, 60).await;
    assert_eq!(beside.next().await.unwrap().unwrap_err().kind, FailureKind::Network);
    drop(beside);
    assert_eq!(sink(&tee).await.unwrap_err().kind, FailureKind::Network);
    assert!(!tee.is_left());
}

#[tokio::test]
async fn whoever_asked_last_may_be_gone_and_the_other_is_woken() {
    let (send, mut receive) = mpsc::channel::<Bytes>(1);
    let stream = stream::poll_fn(move |context| receive.poll_recv(context).map(|chunk| chunk.map(Ok))).boxed();
    let source = Counted { length: Length::Unknown, bytes: 0, end: None, asked: Arc::default() };
    let (tee, mut beside) = tee(Arc::new(source), stream, WINDOW, share().await);
    let waiting = tokio::spawn(async move { beside.next().await });
    tokio::task::yield_now().await;
    let mut reader = tee.open(0, None).await.unwrap();
    assert!(poll!(reader.next()).is_pending());
    drop(reader);
    send.send(Bytes::from_static(b"news")).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().unwrap(), "news");
}
