//! Clients that mean no good: thousands of connections that say little, slowly, and others that ask as fast as they can.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// Between two words of a slow client.
const DRIP: Duration = Duration::from_secs(1);
/// Before a client that was turned away comes again.
const AGAIN: Duration = Duration::from_millis(200);

/// How a client keeps a server busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Connects and says nothing.
    Silent,
    /// Sends the head of a request, a line a second.
    SlowHead,
    /// Sends a form of 32 KB, as much as is kept of a stranger's, but the last 2,000 bytes, and then a byte a second.
    SlowBody,
    /// Asks for a page each second, and reads none of them.
    NoReader,
    /// Begins one sign-in after the other.
    SignIns,
    /// Posts one form after the other.
    Forms,
}

impl Manner {
    /// All of them that are slow.
    pub const SLOW: [Self; 4] = [Self::Silent, Self::SlowHead, Self::SlowBody, Self::NoReader];

    /// The first words, and what is said again and again after them.
    fn words(self) -> (String, &'static str) {
        let form = |bytes: usize| format!("POST /jobs HTTP/1.1\r\nhost: flood\r\ncontent-length: {bytes}\r\n\r\n");
        match self {
            Self::Silent => (String::new(), ""),
            Self::SlowHead => ("GET / HTTP/1.1\r\nhost: flood\r\n".to_owned(), "x-more: to come\r\n"),
            Self::SlowBody => (form(32_000) + &"u".repeat(30_000), "u"),
            Self::NoReader => (String::new(), "GET / HTTP/1.1\r\nhost: flood\r\n\r\n"),
            Self::SignIns => (String::new(), "GET /login?moved=1 HTTP/1.1\r\nhost: flood\r\n\r\n"),
            Self::Forms => (String::new(), "POST /jobs HTTP/1.1\r\nhost: flood\r\ncontent-length: 2\r\n\r\na="),
        }
    }
}

/// What has happened to a crowd.
#[derive(Debug, Default)]
pub struct Tally {
    /// Connections that are open now.
    pub open: AtomicU64,
    /// The most that were open at once.
    pub most: AtomicU64,
    /// Connections that the server ended.
    pub ended: AtomicU64,
    /// Answers of the fast ones.
    pub answers: AtomicU64,
    /// Those among them that said "not so fast" (429).
    pub refused: AtomicU64,
}

/// So many clients, until it is dropped.
#[derive(Debug)]
pub struct Crowd {
    /// How it goes.
    pub tally: Arc<Tally>,
    _clients: JoinSet<()>,
}

impl Crowd {
    /// `count` clients of a server, spread over so many addresses of this machine's own network.
    pub fn gather(server: SocketAddr, manner: Manner, count: u32, addresses: u32) -> Self {
        let (tally, mut clients) = (Arc::new(Tally::default()), JoinSet::new());
        for number in 0..count {
            let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + number % addresses.max(1));
            let tally = Arc::clone(&tally);
            clients.spawn(async move {
                loop {
                    if let Ok(stream) = connect(from, server).await {
                        let open = tally.open.fetch_add(1, Relaxed) + 1;
                        tally.most.fetch_max(open, Relaxed);
                        // A server that hangs up is what these clients are there for.
                        let _ = annoy(stream, manner, &tally).await;
                        tally.open.fetch_sub(1, Relaxed);
                        tally.ended.fetch_add(1, Relaxed);
                    }
                    sleep(AGAIN).await;
                }
            });
        }
        Self { tally, _clients: clients }
    }
}

async fn connect(from: Ipv4Addr, server: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(server).await
}

/// Does what its manner says until the server hangs up.
async fn annoy(mut stream: TcpStream, manner: Manner, tally: &Tally) -> std::io::Result<()> {
    let (first, more) = manner.words();
    stream.write_all(first.as_bytes()).await?;
    let mut answer = vec![0; 16 * 1024];
    loop {
        stream.write_all(more.as_bytes()).await?;
        match manner {
            Manner::SignIns | Manner::Forms => {
                // One answer is one read, or a little more: the rest is thrown away with the next.
                let read = stream.read(&mut answer).await?;
                if read == 0 {
                    return Ok(());
                }
                tally.answers.fetch_add(1, Relaxed);
                tally.refused.fetch_add(u64::from(answer[..read].starts_with(b"HTTP/1.1 429")), Relaxed);
            }
            Manner::NoReader => sleep(DRIP).await,
            Manner::Silent | Manner::SlowHead | Manner::SlowBody => {
                // Whatever is said is taken for an end, and silence is waited for.
                match tokio::time::timeout(DRIP, stream.read(&mut answer)).await {
                    Err(_) => {}
                    Ok(read) => return read.map(|_| ()),
                }
            }
        }
    }
}
