//! A line to Redis that can be cut at the worst moment: after a command was executed and before its reply arrives.
//!
//! TCP in front, the server's unix socket behind. It passes everything on until it is told otherwise, and it understands
//! nothing of what it carries.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_util::sync::{CancellationToken, DropGuard};

const PIECE: usize = 64 * 1024;
/// A server that is told that no more requests come ends the connection within this time, or is away.
const LAST_REPLY: Duration = Duration::from_secs(5);

/// A running proxy. Dropping it closes every connection.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _closing: DropGuard,
}

#[derive(Debug, Default)]
struct Shared {
    /// Replies that are still to be lost.
    wanted: AtomicUsize,
    lost: AtomicUsize,
    /// Counts cuts of everything.
    cuts: watch::Sender<usize>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and forwards to the socket `server`, which need not be there yet.
    pub async fn start(server: PathBuf) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, shared, closing) =
            (listener.local_addr()?, Arc::new(Shared::default()), CancellationToken::new());
        let accepting = accept(listener, server, shared.clone(), closing.clone());
        tokio::spawn(closing.clone().run_until_cancelled_owned(accepting));
        Ok(Self { address, shared, _closing: closing.drop_guard() })
    }

    /// How Sluice reaches Redis through it.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// Forwards the next request, on whichever connection it comes, lets the server execute it, keeps the reply and closes.
    pub fn lose_reply(&self) {
        self.shared.wanted.fetch_add(1, Ordering::Relaxed);
    }

    /// How many replies were lost so far: requests that were executed, and whose callers do not know.
    pub fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Closes every connection there is at this moment.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Shared {
    /// Takes one order to lose a reply, if there is one.
    fn take(&self) -> bool {
        let take = |wanted: usize| wanted.checked_sub(1);
        self.wanted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

async fn accept(listener: TcpListener, server: PathBuf, shared: Arc<Shared>, closing: CancellationToken) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, shared, mut cuts) = (server.clone(), shared.clone(), shared.cuts.subscribe());
        tokio::spawn(closing.clone().run_until_cancelled_owned(async move {
            // A server that is away is a connection that ends at once; every end of a line is an event for the client alone.
            let Ok(server) = UnixStream::connect(&server).await else { return };
            tokio::select! {
                _ = carry(client, server, &shared) => {}
                _ = cuts.changed() => {}
            }
        }));
    }
}

async fn carry(mut client: TcpStream, mut server: UnixStream, shared: &Shared) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let (mut asked, mut answered) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read? {
                0 => return Ok(()),
                count => {
                    server.write_all(&asked[..count]).await?;
                    if shared.take() {
                        return lose(server, shared).await;
                    }
                }
            },
            read = server.read(&mut answered) => match read? {
                0 => return Ok(()),
                count => client.write_all(&answered[..count]).await?,
            },
        }
    }
}

/// Says that no more requests come: the server executes what it has, answers and closes. Nobody hears the answer.
async fn lose(mut server: UnixStream, shared: &Shared) -> std::io::Result<()> {
    server.shutdown().await?;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LAST_REPLY, server.read_to_end(&mut answer)).await;
    if answer.is_empty() {
        // Redis was away, so nothing was executed: the next request will do.
        shared.wanted.fetch_add(1, Ordering::Relaxed);
    } else {
        shared.lost.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{Fsync, Redis};

    async fn dial(proxy: &Proxy) -> TcpStream {
        TcpStream::connect(proxy.address).await.unwrap()
    }

    async fn say(line: &mut TcpStream, command: &str) -> String {
        line.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 100];
        let count = line.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..count]).into_owned()
    }

    #[tokio::test]
    async fn a_lost_reply_belongs_to_a_command_that_was_executed() {
        let directory = tempfile::tempdir().unwrap();
        let redis = Redis::start(directory.path(), Fsync::Always).await.unwrap();
        let proxy = Proxy::start(redis.socket()).await.unwrap();
        let (mut first, mut second) = (dial(&proxy).await, dial(&proxy).await);
        assert_eq!(say(&mut first, "INCR a").await, ":1\r\n");
        proxy.lose_reply();
        assert_eq!(say(&mut first, "INCR a").await, "", "nothing is heard");
        assert_eq!(say(&mut second, "GET a").await, "$1\r\n2\r\n", "another line goes on");
        assert_eq!(proxy.lost(), 1);
        proxy.cut();
        assert_eq!(second.read(&mut [0]).await.unwrap_or(0), 0, "the line is closed");
        assert_eq!(say(&mut dial(&proxy).await, "INCR a").await, ":3\r\n");
    }

    #[tokio::test]
    async fn without_a_server_nothing_counts_as_lost() {
        let directory = tempfile::tempdir().unwrap();
        let proxy = Proxy::start(directory.path().join("redis.sock")).await.unwrap();
        proxy.lose_reply();
        assert_eq!(dial(&proxy).await.read(&mut [0]).await.unwrap_or(0), 0);
        assert_eq!(proxy.lost(), 0);
    }
}
