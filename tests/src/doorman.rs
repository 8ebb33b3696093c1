//! Stands before a service, lets everybody through, and notes which process each connection comes from.

use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use nix::unistd::Pid;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, sync::DropGuard};

/// Who came.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// Its process, if one was found: whoever comes from another machine has none here.
    pub process: Option<Pid>,
    /// Its command line.
    pub command: String,
    /// It was gone before it could be found, and had said nothing: a connection that nobody needed after all.
    pub silent: bool,
}

/// How often a process is looked for. The kernel's table is read in pieces, and a socket that moves in it meanwhile may be in none of them.
const LOOKS: usize = 20;

/// A running doorman. Dropping it closes every connection.
#[derive(Debug)]
pub struct Doorman {
    address: SocketAddr,
    callers: Arc<Mutex<Vec<Caller>>>,
    _closing: DropGuard,
}

impl Doorman {
    /// On a free port of 127.0.0.1, before `target`.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, callers, closing) =
            (listener.local_addr()?, Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let (noted, end) = (callers.clone(), closing.clone());
        tokio::spawn(closing.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, from)) = listener.accept().await {
                let noted = noted.clone();
                tokio::spawn(end.clone().run_until_cancelled_owned(async move {
                    // Before a byte goes through: whoever has no answer yet keeps the connection open, and so can be found.
                    let caller = who(&stream, from).await;
                    noted.lock().unwrap_or_else(PoisonError::into_inner).push(caller);
                    let _ended = relay(stream, target).await;
                }));
            }
        }));
        Ok(Self { address, callers, _closing: closing.drop_guard() })
    }

    /// Where it stands.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everybody who came so far.
    pub fn callers(&self) -> Vec<Caller> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn who(stream: &TcpStream, from: SocketAddr) -> Caller {
    for _ in 0..LOOKS {
        let found = tokio::task::spawn_blocking(move || caller(from)).await.unwrap_or_default();
        if found.process.is_some() {
            return found;
        }
        if stream.peek(&mut [0]).await.is_ok_and(|said| said == 0) {
            return Caller { silent: true, ..found };
        }
    }
    Caller::default()
}

async fn relay(mut stream: TcpStream, target: SocketAddr) -> std::io::Result<()> {
    let mut service = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    service.set_nodelay(true)?;
    copy_bidirectional(&mut stream, &mut service).await?;
    Ok(())
}

/// Whose socket is at the other end: the kernel's table has its inode, and a process has that open.
fn caller(from: SocketAddr) -> Caller {
    let local = match from {
        SocketAddr::V4(from) => format!("{:08X}:{:04X}", u32::from_le_bytes(from.ip().octets()), from.port()),
        SocketAddr::V6(_) => String::new(),
    };
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let inode = table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(1) == Some(&local.as_str())).then(|| words.get(9).map(|inode| format!("socket:[{inode}]")))?
    });
    let holds = |pid: &i32| {
        let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        links.filter_map(|link| fs::read_link(link.path()).ok()).any(|link| Some(link.display().to_string()) == inode)
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pid = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(holds);
    let command = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()).unwrap_or_default();
    Caller { process: pid.map(Pid::from_raw), command: command.replace('\0', " "), silent: false }
}
