use std::{
    pin::Pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, future::poll_fn, stream};
use http_body::Body;
use sluice_transfer::{Access, ByteStream};

use super::*;
use crate::content_hash::{Blocks, content_hash};

/// Bytes in memory, in pieces of three.
struct Memory {
    bytes: &'static [u8],
    length: Length,
    access: Access,
    opened: AtomicUsize,
    released: Mutex<Vec<u64>>,
}

fn memory(bytes: &'static [u8], length: Length) -> Memory {
    Memory { bytes, length, access: Access::Random, opened: AtomicUsize::new(0), released: Mutex::default() }
}

#[async_trait]
impl Source for Memory {
    fn length(&self) -> Length {
        self.length
    }

    fn access(&self) -> Access {
        self.access
    }

    fn release(&self, offset: u64) {
        self.released.lock().unwrap().push(offset);
    }

    async fn open(&self, offset: u64, _: Option<u64>) -> Result<ByteStream, Failure> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let rest = &self.bytes[usize::try_from(offset).unwrap()..];
        Ok(stream::iter(rest.chunks(3).map(|piece| Ok(Bytes::from_static(piece)))).boxed())
    }
}

/// Reads a body until `most` bytes or its end.
async fn drain(mut piece: Piece<ContentHasher>, most: usize) -> Result<Vec<u8>, Failure> {
    let mut got = Vec::new();
    while got.len() < most {
        match poll_fn(|context| Pin::new(&mut piece).poll_frame(context)).await {
            Some(frame) => got.extend_from_slice(&frame?.into_data().unwrap()),
            None => break,
        }
    }
    Ok(got)
}

#[tokio::test]
async fn pieces_follow_each_other_on_one_stream() {
    let source = memory(b"0123456789", Length::Exact(10));
    let feed = Feed::new(&source);
    for (offset, want) in [(0, &b"0123"[..]), (4, b"4567"), (8, b"89")] {
        let piece = feed.piece(offset, 4).await.unwrap().unwrap();
        assert_eq!((piece.exact(), piece.size_hint().exact()), (Some(want.len() as u64), Some(want.len() as u64)));
        assert_eq!(drain(piece, 99).await.unwrap(), want);
        assert_eq!(feed.close(), offset + want.len() as u64);
    }
    assert!(feed.piece(10, 4).await.unwrap().is_none());
    assert_eq!(feed.content_hash(), content_hash(b"0123456789"));
    assert_eq!(source.opened.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_read_again_is_not_hashed_again() {
    let source = memory(b"0123456789", Length::Exact(10));
    let feed = Feed::new(&source);
    drain(feed.piece(0, 8).await.unwrap().unwrap(), 6).await.unwrap();
    assert_eq!(feed.close(), 6);
    // Dropbox confirms 5 of the 6.
    assert_eq!(drain(feed.piece(5, 8).await.unwrap().unwrap(), 99).await.unwrap(), b"56789");
    feed.close();
    assert!(feed.piece(10, 8).await.unwrap().is_none());
    assert_eq!(feed.content_hash(), content_hash(b"0123456789"));
    assert_eq!(source.opened.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_body_whose_call_is_over_gets_nothing() {
    let source = memory(b"0123456789", Length::Exact(10));
    let feed = Feed::new(&source);
    let piece = feed.piece(0, 10).await.unwrap().unwrap();
    feed.close();
    assert!(drain(piece, 99).await.is_err());
    assert!(feed.failure().is_none(), "that is not the source's fault");
}

#[tokio::test]
async fn a_source_must_be_as_long_as_it_said() {
    let check = |length: u64, want: &'static str| async move {
        let source = memory(b"0123456789", Length::Exact(length));
        let feed = Feed::new(&source);
        let mut offset = 0;
        let failure = loop {
            match feed.piece(offset, 4).await {
                Ok(Some(piece)) => drop(drain(piece, 99).await),
                Ok(None) => panic!("nobody noticed"),
                Err(failure) => break failure,
            }
            offset = feed.close();
            if let Some(failure) = feed.failure() {
                break failure;
            }
        };
        assert!(failure.detail.contains(want), "{failure}");
    };
    check(8, "more than the 8 bytes").await;
    check(9, "more than the 9 bytes").await;
    check(11, "fewer than the 11 bytes").await;
    check(12, "fewer than the 12 bytes").await;
}

#[tokio::test]
async fn an_unknown_length_ends_where_the_source_ends() {
    for length in [Length::Unknown, Length::Estimate(3)] {
        let source = memory(b"0123456789", length);
        let feed = Feed::new(&source);
        let piece = feed.piece(0, 8).await.unwrap().unwrap();
        assert_eq!((piece.exact(), piece.size_hint().exact()), (None, None));
        assert_eq!(drain(piece, 99).await.unwrap(), b"01234567");
        feed.close();
        assert_eq!(drain(feed.piece(8, 8).await.unwrap().unwrap(), 99).await.unwrap(), b"89");
        feed.close();
        assert!(feed.piece(10, 8).await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_is_not_a_silent_dropbox() {
    let source = memory(b"0123456789", Length::Exact(10));
    let feed = Feed::new(&source);
    let piece = feed.piece(0, 10).await.unwrap().unwrap();
    feed.tap.lock().waiting = true;
    let second = Duration::from_secs(1);
    let watch = feed.tap.stall(second);
    assert!(tokio::time::timeout(10 * second, watch).await.is_err(), "the source keeps us waiting, not Dropbox");
    feed.tap.lock().waiting = false;
    assert!(tokio::time::timeout(2 * second, feed.tap.stall(second)).await.is_ok());
    drop(piece);
}

/// Somebody else has sent more than was read here.
#[tokio::test]
async fn what_others_sent_is_read_for_the_hash_alone() {
    let bytes: &'static [u8] = vec![7; (4 << 20) + 100].leak();
    let total = bytes.len() as u64;
    for (hashed, offset) in [(0, 50), (0, total), (4 << 20, (4 << 20) + 1), (4 << 20, total), (4 << 20, 30)] {
        let source = memory(bytes, Length::Exact(total));
        let mut blocks = Blocks::from(0);
        blocks.update(&bytes[..hashed]);
        let mut outer = Outer::new();
        blocks.take().into_iter().for_each(|digest| outer.push(digest));
        let feed = Feed::after(&source, outer);
        let mut at = offset;
        while let Some(piece) = feed.piece(at, 1 << 20).await.unwrap() {
            let sent = drain(piece, usize::MAX).await.unwrap();
            assert_eq!(sent, bytes[usize::try_from(at).unwrap()..][..sent.len()]);
            at = feed.close();
        }
        assert_eq!((at, feed.content_hash()), (total, content_hash(bytes)), "{hashed} {offset}");
        assert_eq!(source.opened.load(Ordering::Relaxed), 1, "one stream is enough");
    }
    let source = memory(bytes, Length::Unknown);
    assert!(Feed::new(&source).piece(total + 1, 10).await.is_err(), "there is no such byte");
}

#[tokio::test]
async fn a_source_is_not_asked_for_what_it_let_go() {
    let check = |window: u64, released: u64, back_to: u64, works: bool| async move {
        let source = Memory { access: Access::Forward { window }, ..memory(b"0123456789", Length::Unknown) };
        let feed = Feed::new(&source);
        drain(feed.piece(0, 6).await.unwrap().unwrap(), 99).await.unwrap();
        feed.close();
        feed.release(released);
        assert_eq!(*source.released.lock().unwrap(), [released]);
        match feed.piece(back_to, 6).await {
            Ok(piece) => assert!(works && drain(piece.unwrap(), 1).await.is_ok(), "{window} {released} {back_to}"),
            Err(failure) => assert!(!works && failure.is_transient(), "{window} {released} {back_to}"),
        }
    };
    check(6, 0, 0, true).await;
    check(6, 3, 3, true).await;
    check(6, 3, 2, false).await;
    check(5, 0, 0, false).await;
    check(5, 0, 1, true).await;
    check(0, 6, 6, true).await;
    check(0, 3, 5, false).await;
    let random = memory(b"0123456789", Length::Unknown);
    Feed::new(&random).release(5);
    assert!(random.released.lock().unwrap().is_empty(), "it may be needed from the start");
}
