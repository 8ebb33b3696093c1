//! Where a process listens.

use std::{fs, net::SocketAddr};

use anyhow::{Context as _, Result};
use nix::unistd::Pid;

/// The ports of IPv4 on which this process listens on loopback: its proxy for children, for one.
pub fn listeners(process: Pid) -> Result<Vec<SocketAddr>> {
    let links =
        fs::read_dir(format!("/proc/{process}/fd"))?.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let sockets: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let table = fs::read_to_string("/proc/net/tcp")?;
    let mut found = Vec::new();
    for line in table.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, .., inode] = words.get(..10).context("a line of /proc/net/tcp")? else { continue };
        if *state == "0A" && sockets.contains(&format!("socket:[{inode}]")) {
            let port = local.rsplit(':').next().context("a port")?;
            found.push(SocketAddr::from(([127, 0, 0, 1], u16::from_str_radix(port, 16)?)));
        }
    }
    Ok(found)
}
