//! A proxy that leads every name of Dropbox's to the emulator, and nothing anywhere else.
//!
//! rclone has no setting for Dropbox's hosts; it does obey `HTTPS_PROXY`.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running proxy; it ends when dropped.
#[derive(Debug)]
pub struct ConnectProxy {
    /// What `HTTPS_PROXY` must say.
    pub url: String,
    refused: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl ConnectProxy {
    /// Leads to `target`, which is `host:port`.
    pub async fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let refused = Arc::new(Mutex::new(Vec::new()));
        let (target, strangers) = (target.to_owned(), Arc::clone(&refused));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (target, strangers) = (target.clone(), Arc::clone(&strangers));
                open.spawn(async move {
                    if let Err(stranger) = lead(stream, &target).await {
                        strangers.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{stranger:#}"));
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Self { url, refused, _serving: serving })
    }

    /// Who else was asked for.
    pub fn strangers(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn lead(stream: TcpStream, target: &str) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let asked = head.split(' ').nth(1).unwrap_or_default();
    let known =
        head.starts_with("CONNECT ") && (asked.ends_with(".dropboxapi.com:443") || asked == "www.dropbox.com:443");
    if !known {
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await?;
        bail!("{}", head.lines().next().unwrap_or_default());
    }
    let mut emulator = TcpStream::connect(target).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    // A client that hangs up is no stranger.
    let _ended = copy_bidirectional(&mut stream, &mut emulator).await;
    Ok(())
}
