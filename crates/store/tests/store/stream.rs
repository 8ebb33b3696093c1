//! A stream of writes through one connection while the servers behind it come and go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{Script, cmd};
use sluice_store::Store;
use tokio::task::JoinHandle;

use crate::redis_process::SETTLED;

/// Writes 1, 2, 3, …, each acknowledged before the next, by a script as the queue's are: it declares the prefix and touches other keys.
pub(crate) struct Stream {
    store: Store,
    acknowledged: Arc<AtomicU64>,
    end: Arc<AtomicBool>,
    writes: JoinHandle<()>,
}

impl Stream {
    pub(crate) fn start(store: &Store) -> Self {
        let (acknowledged, end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let writes = tokio::spawn({
            let (store, acknowledged, end) = (store.clone(), acknowledged.clone(), end.clone());
            async move {
                let script = Script::new("return redis.call('SADD', KEYS[1] .. 'stream', ARGV[1])");
                for number in 1u64.. {
                    let mut call = script.key(store.prefix());
                    store.connection().script::<()>(call.arg(number)).await.unwrap();
                    acknowledged.store(number, Ordering::SeqCst);
                    if end.load(Ordering::SeqCst) {
                        return;
                    }
                    // Not as fast as it can: the servers share the machine with other tests.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        });
        Self { store: store.clone(), acknowledged, end, writes }
    }

    /// The last one that was acknowledged.
    pub(crate) fn now(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Waits until so many more are acknowledged.
    pub(crate) async fn goes_on(&self, more: u64) -> u64 {
        let (begun, want) = (Instant::now(), self.now() + more);
        while self.now() < want {
            assert!(begun.elapsed() < SETTLED, "the stream stands still at {} of {want}", self.now());
            assert!(!self.writes.is_finished(), "the stream broke at {}", self.now());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.now()
    }

    /// Ends it; says which of the acknowledged ones are not there.
    pub(crate) async fn missing(self) -> Vec<u64> {
        self.end.store(true, Ordering::SeqCst);
        self.writes.await.unwrap();
        let key = format!("{}stream", self.store.prefix());
        let there: std::collections::HashSet<u64> =
            self.store.connection().run(cmd("SMEMBERS").arg(key)).await.unwrap();
        (1..=self.acknowledged.load(Ordering::SeqCst)).filter(|number| !there.contains(number)).collect()
    }
}
