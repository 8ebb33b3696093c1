use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream;

use super::*;
use crate::content_hash;

/// Bytes in memory, in pieces of three.
struct Memory {
    bytes: &'static [u8],
    length: Length,
    opened: AtomicUsize,
}

fn memory(bytes: &'static [u8], length: Length) -> Memory {
    Memory { bytes, length, opened: AtomicUsize::new(0) }
}

#[async_trait]
impl Source for Memory {
    fn length(&self) -> Length {
        self.length
    }

    async fn open(&self, offset: u64, _: Option<u64>) -> Result<ByteStream, Failure> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let rest = &self.bytes[usize::try_from(offset).unwrap()..];
        Ok(stream::iter(rest.chunks(3).map(|piece| Ok(Bytes::from_static(piece)))).boxed())
    }
}

/// Reads a body until `most` bytes or its end.
async fn drain(mut piece: Piece, most: usize) -> Result<Vec<u8>, Failure> {
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
    feed.lock().waiting = true;
    let second = Duration::from_secs(1);
    let watch = stalled(feed.reader.clone(), second);
    assert!(tokio::time::timeout(10 * second, watch).await.is_err(), "the source keeps us waiting, not Dropbox");
    feed.lock().waiting = false;
    assert!(tokio::time::timeout(2 * second, stalled(feed.reader.clone(), second)).await.is_ok());
    drop(piece);
}
