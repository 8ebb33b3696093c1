//! The least that passing a file on takes: a thread that receives and sends, and does nothing else.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow};
use nix::sys::resource::{UsageWho, getrusage};

const BUFFER: usize = 256 * 1024;

/// A relay of one connection.
pub(crate) struct Relay {
    /// Where it waits.
    pub(crate) address: SocketAddr,
    thread: thread::JoinHandle<Result<Duration>>,
}

impl Relay {
    /// To a site.
    pub(crate) fn to(site: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self { address: listener.local_addr()?, thread: thread::spawn(move || relay(&listener, site)) })
    }

    /// Its processor time, when the site has said everything.
    pub(crate) fn end(self) -> Result<Duration> {
        self.thread.join().map_err(|_| anyhow!("the relay panicked"))?
    }
}

fn relay(listener: &TcpListener, site: SocketAddr) -> Result<Duration> {
    let ((mut device, _), mut site) = (listener.accept()?, TcpStream::connect(site)?);
    let mut buffer = vec![0; BUFFER];
    let asked = device.read(&mut buffer)?;
    site.write_all(&buffer[..asked])?;
    loop {
        let came = site.read(&mut buffer)?;
        if came == 0 {
            break;
        }
        device.write_all(&buffer[..came])?;
    }
    let used = getrusage(UsageWho::RUSAGE_THREAD)?;
    let [user, system] = [used.user_time(), used.system_time()].map(|time| {
        Duration::from_secs(time.tv_sec().unsigned_abs()) + Duration::from_micros(time.tv_usec().unsigned_abs())
    });
    Ok(user + system)
}
