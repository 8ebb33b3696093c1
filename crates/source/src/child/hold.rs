//! What the kernel holds a child to, as its launcher tells, and the proxy in the child's own network.

use std::{
    fmt,
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    net::TcpListener,
    os::unix::net::UnixStream as StdStream,
};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde::{Deserialize, Serialize};
use tokio::{io::Interest, net::UnixStream};
use tokio_util::task::AbortOnDropHandle;

use super::Network;
use crate::Tools;

/// More than the launcher says.
const MAX_TOLD_BYTES: usize = 1024;

/// What children are held to here, for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containment {
    /// They are in a network of their own, in which there is nothing but the proxy.
    #[serde(rename = "apart")]
    pub own_network: bool,
    /// They are started by root: their number is not limited.
    #[serde(rename = "root")]
    pub by_root: bool,
    /// The version of Landlock that limits what they read, write and speak to; 0: none.
    #[serde(default)]
    pub landlock: u32,
    /// System calls that lead out are refused.
    #[serde(default, rename = "calls")]
    pub calls_filtered: bool,
}

impl Containment {
    /// Can they speak to nobody but the proxy?
    #[must_use]
    pub fn is_network_closed(&self) -> bool {
        self.own_network || (self.landlock >= 4 && self.calls_filtered)
    }

    /// What is not held, in words; nothing where all is.
    #[must_use]
    pub fn gaps(&self) -> Vec<&'static str> {
        let mut gaps = Vec::new();
        if !self.is_network_closed() {
            gaps.push("yt-dlp is told of the proxy, but could go around it");
        }
        if self.landlock == 0 {
            gaps.push("children could read what this user can read");
        }
        if self.landlock < 6 {
            gaps.push("children could send signals to this user's processes");
        }
        if !self.calls_filtered {
            gaps.push("children could leave their process group, and speak to sockets of this machine's services");
        }
        if self.by_root || !self.own_network {
            gaps.push("the number of a child's processes is not limited");
        }
        gaps
    }
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = match self {
            Self { own_network: true, .. } => "a network of their own",
            _ if self.is_network_closed() => "connections to the proxy's port alone",
            _ => "the machine's network",
        };
        write!(f, "{network}, Landlock {}, ", self.landlock)?;
        f.write_str(if self.calls_filtered { "system calls filtered" } else { "all system calls" })
    }
}

/// Listens to the launcher, and serves the proxy where the child is, until the handle is dropped.
pub(super) fn hold(launcher: StdStream, tools: &Tools, network: Network) -> io::Result<AbortOnDropHandle<()>> {
    launcher.set_nonblocking(true)?;
    let (launcher, proxy, told) = (UnixStream::from_std(launcher)?, tools.proxy.clone(), tools.containment.clone());
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        let Ok((listener, holds)) = listen(&launcher).await else {
            // It ended before it became a program: its owner hears of that.
            return;
        };
        if network == Network::Proxy {
            told.send_if_modified(|told| told.replace(holds) != Some(holds));
        }
        if let Some(listener) = listener {
            let _serving = proxy.serve(listener);
            std::future::pending::<()>().await;
        }
    })))
}

async fn listen(launcher: &UnixStream) -> io::Result<(Option<TcpListener>, Containment)> {
    let (mut said, mut listener) = (Vec::new(), None);
    while said.last() != Some(&b'\n') {
        let (piece, got) = launcher.async_io(Interest::READABLE, || receive(launcher)).await?;
        listener = listener.or(got);
        if piece.is_empty() || said.len() > MAX_TOLD_BYTES {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        said.extend(piece);
    }
    Ok((listener, serde_json::from_slice(&said)?))
}

/// Some bytes, and a listener if one came with them.
fn receive(launcher: &UnixStream) -> io::Result<(Vec<u8>, Option<TcpListener>)> {
    let mut piece = [0; MAX_TOLD_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(launcher, &mut [IoSliceMut::new(&mut piece)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        _ => None,
    });
    let listener = rights.next().and_then(|mut rights| rights.next()).map(TcpListener::from);
    Ok((piece[..got.bytes].to_vec(), listener))
}
