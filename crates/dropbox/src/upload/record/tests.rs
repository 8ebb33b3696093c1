use std::sync::Mutex;

use async_trait::async_trait;
use sluice_domain::UploadIntent;
use sluice_transfer::ByteStream;

use super::*;

const M: u64 = 1 << 20;

/// Nothing but what a checkpoint is judged by.
struct Claims {
    fingerprint: Option<&'static str>,
    length: Length,
    access: Access,
}

#[async_trait]
impl Source for Claims {
    fn length(&self) -> Length {
        self.length
    }

    fn access(&self) -> Access {
        self.access
    }

    fn fingerprint(&self) -> Option<&str> {
        self.fingerprint
    }

    async fn open(&self, _: u64, _: Option<u64>) -> Result<ByteStream, Failure> {
        Err(Failure::internal("nobody asks for bytes"))
    }
}

const SOURCE: Claims =
    Claims { fingerprint: Some("these bytes"), length: Length::Exact(100 * M), access: Access::Random };

fn digest(block: u64) -> Digest {
    Digest::try_from(format!("{block:064x}")).unwrap()
}

fn hashed(blocks: u64) -> Outer {
    let mut outer = Outer::new();
    (0..blocks).for_each(|block| outer.push(digest(block)));
    outer
}

fn checkpoint(offset: u64, note: &Note) -> Checkpoint {
    Checkpoint { fingerprint: "these bytes".into(), offset, sink: serde_json::to_string(note).unwrap() }
}

fn sequential(blocks: u64) -> Note {
    Note::new(Kind::Sequential, "pid_upload_session:x", hashed(blocks), BTreeMap::new())
}

fn concurrent(blocks: u64, beyond: impl IntoIterator<Item = u64>) -> Note {
    let beyond = beyond.into_iter().map(|block| (block, digest(block))).collect();
    Note::new(Kind::Concurrent, "pid_upload_session:x", hashed(blocks), beyond)
}

#[test]
fn what_was_noted_is_gone_on_with() {
    let check = |offset: u64, note: Note| {
        let got = Resumed::from(&checkpoint(offset, &note), &SOURCE).unwrap();
        assert_eq!(got, Resumed { offset, note });
    };
    check(5 * M, sequential(1));
    // What was read may be ahead of what arrived, and behind.
    check(5 * M, sequential(3));
    check(50 * M, sequential(0));
    check(100 * M, sequential(25));
    check(8 * M, concurrent(2, [3, 5, 24]));
}

#[test]
fn anything_odd_begins_again() {
    let refused = |checkpoint: &Checkpoint, source: &Claims| assert!(Resumed::from(checkpoint, source).is_none());
    let good = checkpoint(8 * M, &sequential(2));
    refused(&good, &Claims { fingerprint: Some("other bytes"), ..SOURCE });
    refused(&good, &Claims { fingerprint: None, ..SOURCE });
    refused(&good, &Claims { access: Access::Forward { window: 64 * M }, ..SOURCE });
    refused(&good, &Claims { length: Length::Exact(7 * M), ..SOURCE });
    let of = |offset, note| checkpoint(offset, &note);
    refused(&of(101 * M, sequential(2)), &SOURCE);
    refused(&of(8 * M, sequential(26)), &SOURCE);
    refused(&of(8 * M, Note { version: 2, ..sequential(2) }), &SOURCE);
    refused(&of(8 * M, Note { session: String::new(), ..sequential(2) }), &SOURCE);
    refused(&of(8 * M, Note { kind: Kind::Sequential, ..concurrent(2, [3]) }), &SOURCE);
    refused(&of(7 * M, concurrent(2, [3])), &SOURCE);
    refused(&of(8 * M, concurrent(2, [1])), &SOURCE);
    refused(&of(8 * M, concurrent(2, [25])), &SOURCE);
    refused(&of(8 * M, concurrent(2, [3])), &Claims { length: Length::Unknown, ..SOURCE });
    for odd in ["", "{}", "null", &good.sink.replace("words", "wards"), &good.sink.replace("sequential", "sideways")] {
        refused(&Checkpoint { sink: odd.into(), ..good.clone() }, &SOURCE);
    }
}

#[test]
fn a_checkpoint_stays_small() {
    let many = checkpoint(400 * BLOCK, &concurrent(400, 401..401 + MOST_BEYOND));
    assert!(many.sink.len() < 6 * 1024, "{}", many.sink.len());
}

#[derive(Default)]
struct Counts(Mutex<Vec<u64>>);

#[async_trait]
impl Journal for Counts {
    async fn before_commit(&self, _: &UploadIntent) -> Result<(), Failure> {
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        self.0.lock().unwrap().push(checkpoint.offset);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn records_are_neither_many_nor_far_apart() {
    let journal = Counts::default();
    let mut recorder = Recorder::new(&journal, &SOURCE);
    assert!(!recorder.is_due(0, Instant::now()), "nothing is safe yet");
    // A mebibyte every 20 milliseconds.
    for safe in (M..=20 * M).step_by(1 << 20) {
        if recorder.is_due(safe, Instant::now()) {
            recorder.record(safe, safe, &sequential(0)).await.unwrap();
        }
        tokio::time::advance(Duration::from_millis(20)).await;
    }
    assert_eq!(*journal.0.lock().unwrap(), [M, 5 * M, 9 * M, 13 * M, 17 * M]);
    assert!(recorder.has_news(20 * M) && !recorder.has_news(17 * M));
    assert!(recorder.is_due(18 * M, Instant::now() + PAUSE) && !recorder.is_due(17 * M, Instant::now() + PAUSE));
    let nameless = Recorder::new(&journal, &Claims { fingerprint: None, ..SOURCE });
    assert!(!nameless.is_due(50 * M, Instant::now()) && !nameless.is_shared());
}
