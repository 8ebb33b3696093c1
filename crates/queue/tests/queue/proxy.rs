//! A line to Redis that is cut now and then, after the command was executed and before its reply arrives: the hardest loss there is.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

pub(crate) struct CuttingProxy {
    dir: TempDir,
    cuts: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl CuttingProxy {
    /// Cuts a line after every so many replies.
    pub(crate) fn start(redis_socket: PathBuf, every: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("proxy.sock")).unwrap();
        let (cuts, replies) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = cuts.clone();
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = UnixStream::connect(&redis_socket).await.unwrap();
                tokio::spawn(carry(client, server, replies.clone(), counted.clone(), every));
            }
        });
        Self { dir, cuts, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.dir.path().join("proxy.sock").display())
    }

    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    mut client: UnixStream,
    mut server: UnixStream,
    replies: Arc<AtomicUsize>,
    cuts: Arc<AtomicUsize>,
    every: usize,
) {
    let (mut from_client, mut from_server) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => match read {
                Ok(count @ 1..) if server.write_all(&from_client[..count]).await.is_ok() => {}
                _ => return,
            },
            read = server.read(&mut from_server) => match read {
                Ok(count @ 1..) => {
                    if replies.fetch_add(1, Ordering::Relaxed) % every == every - 1 {
                        cuts.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    if client.write_all(&from_server[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
