use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::Waker,
};

use bytes::Bytes;
use futures::{TryStreamExt, poll, stream};
use sluice_domain::{ByteSize, FailureKind, Limits};

use super::*;
use crate::{BufferBudget, Gate};

const WINDOW: u64 = 100;

fn byte(at: u64) -> u8 {
    u8::try_from(at % 251).unwrap()
}

fn bytes(from: u64, to: u64) -> Vec<u8> {
    (from..to).map(byte).collect()
}

/// So many bytes in chunks of this length, and how many of them were asked for; then this end.
fn counted(length: u64, chunk: u64, end: Result<(), Failure>) -> (ByteStream, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let chunks = (0..length).step_by(usize::try_from(chunk).unwrap()).map(move |from| {
        let to = (from + chunk).min(length);
        count.store(to, Ordering::Relaxed);
        Ok(Bytes::from(bytes(from, to)))
    });
    let end = stream::iter(end.err().map(Err));
    (stream::iter(chunks).chain(end).boxed(), asked)
}

async fn share() -> BufferShare {
    let gate = Gate::new(&Limits::default());
    BufferBudget::new(ByteSize(1 << 20)).take(WINDOW, &gate).await.unwrap()
}

async fn rewind(length: u64, end: Result<(), Failure>) -> (Rewind, Arc<AtomicU64>) {
    let (stream, asked) = counted(length, 30, end);
    (Rewind::new(stream, WINDOW, Length::Unknown, share().await), asked)
}

/// Reads at least so many bytes.
async fn read(reader: &mut ByteStream, least: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < least {
        all.extend(reader.next().await.unwrap().unwrap());
    }
    all
}

#[tokio::test]
async fn a_sink_that_releases_gets_everything() {
    let (rewind, _) = rewind(1000, Ok(())).await;
    assert_eq!(rewind.access(), Access::Forward { window: WINDOW });
    let (mut reader, mut all) = (rewind.open(0, None).await.unwrap(), Vec::new());
    while let Some(chunk) = reader.try_next().await.unwrap() {
        all.extend(chunk);
        rewind.release(all.len() as u64);
    }
    assert_eq!(all, bytes(0, 1000));
    assert!(rewind.open(1000, None).await.unwrap().next().await.is_none(), "the end is told again");
}

#[tokio::test]
async fn the_stream_waits_until_something_is_released() {
    let (rewind, asked) = rewind(1000, Ok(())).await;
    let mut reader = rewind.open(0, None).await.unwrap();
    // A window, and the chunk that goes over it.
    assert_eq!(read(&mut reader, 120).await, bytes(0, 120));
    let mut next = Box::pin(reader.next());
    assert!(poll!(&mut next).is_pending());
    assert_eq!(asked.load(Ordering::Relaxed), 120);
    rewind.release(19);
    assert!(poll!(&mut next).is_pending(), "one byte more than the window is still kept");
    rewind.release(20);
    assert_eq!(next.await.unwrap().unwrap(), bytes(120, 150));
    assert_eq!(asked.load(Ordering::Relaxed), 150);
}

#[tokio::test]
async fn a_release_wakes_the_reader() {
    let (rewind, _) = rewind(1000, Ok(())).await;
    let mut reader = rewind.open(0, None).await.unwrap();
    let (reading, releasing) = (read(&mut reader, 1000), async {
        for offset in 1..=1000 {
            rewind.release(offset);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(tokio::join!(reading, releasing).0, bytes(0, 1000));
}

#[tokio::test]
async fn it_can_be_opened_wherever_something_is_kept() {
    let (rewind, asked) = rewind(1000, Ok(())).await;
    let mut reader = rewind.open(0, None).await.unwrap();
    read(&mut reader, 90).await;
    rewind.release(40);
    for from in [40, 41, 59, 60, 89, 90] {
        let mut again = rewind.open(from, None).await.unwrap();
        let got = read(&mut again, 31).await;
        assert_eq!(got, bytes(from, from + got.len() as u64));
        assert!(asked.load(Ordering::Relaxed) <= 150, "no further than the window");
    }
    assert!(rewind.open(39, None).await.is_err(), "released");
    assert!(rewind.open(500, None).await.is_err(), "not there yet");
    let part = rewind.open(45, Some(71)).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat();
    assert_eq!(part, bytes(45, 71));
}

#[tokio::test]
async fn the_last_who_opens_is_the_reader() {
    let (never, _) = (stream::pending().boxed(), ());
    let rewind = Rewind::new(never, WINDOW, Length::Estimate(7), share().await);
    assert_eq!(rewind.length(), Length::Estimate(7));
    let mut first = rewind.open(0, None).await.unwrap();
    let waiting = tokio::spawn(async move { first.next().await });
    tokio::task::yield_now().await;
    let mut second = rewind.open(0, None).await.unwrap();
    assert!(waiting.await.unwrap().unwrap().is_err(), "it is woken and told");
    assert!(poll!(second.next()).is_pending());
}

#[tokio::test]
async fn a_failure_comes_after_what_was_given_and_stays() {
    let (rewind, _) = rewind(60, Err(Failure::new(FailureKind::Network, "cut"))).await;
    for _ in 0..2 {
        let mut reader = rewind.open(0, None).await.unwrap();
        assert_eq!(read(&mut reader, 60).await, bytes(0, 60));
        assert_eq!(reader.next().await.unwrap().unwrap_err().kind, FailureKind::Network);
        assert!(reader.next().await.is_none());
    }
}

#[tokio::test]
async fn exactly_a_window_is_enough_to_learn_of_the_end() {
    let (rewind, _) = rewind(WINDOW, Ok(())).await;
    let mut reader = rewind.open(0, None).await.unwrap();
    assert_eq!(read(&mut reader, 100).await, bytes(0, 100));
    assert!(reader.next().await.is_none());
}

#[tokio::test]
async fn dropping_it_drops_the_stream_and_its_share() {
    let (gate, budget) = (Gate::new(&Limits::default()), BufferBudget::new(ByteSize(8192)));
    let (alive, held) = tokio::sync::oneshot::channel::<()>();
    let stream = stream::pending().map(move |()| {
        let _ = &held;
        Ok(Bytes::new())
    });
    let rewind = Rewind::new(stream.boxed(), 8192, Length::Unknown, budget.take(8192, &gate).await.unwrap());
    let mut reader = rewind.open(0, None).await.unwrap();
    {
        let mut next = pin!(reader.next());
        let mut context = Context::from_waker(Waker::noop());
        assert!(next.as_mut().poll(&mut context).is_pending());
        drop(rewind);
    }
    assert!(alive.is_closed());
    assert!(reader.next().await.unwrap().is_err());
    assert!(budget.take(8192, &gate).await.is_ok());
}
