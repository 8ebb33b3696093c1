//! `sluice egress-proxy`: the one way out of a network that has no other, for the web server and the workers.
//!
//! It has neither Redis nor a key, starts no program and carries no job.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sluice_runtime::{Boot, BootArgs};

use crate::place::Place;

const SERVICE: &str = "sluice egress-proxy";
/// Twice as many as it takes connections, for each may lead to another, and some for itself.
const DESCRIPTORS: u64 = 2 * 2 * 4096 + 256;

/// Be the way out of a network that has no other: a proxy that judges whatever it is asked for
///
/// Put the workers on a network without an exit, this on that network and on one with an exit, and set `egress.upstream_proxy` of the workers and the web
/// server to where it listens (`egress.proxy_bind`). What may be visited is said by its own `egress.allow` and `egress.ports`. It answers `/healthz` and
/// `/metrics`, and stops at SIGTERM.
#[derive(Debug, Args)]
pub(crate) struct EgressProxy {
    /// File to write the bound address to, once ready
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

/// Serves until it is told to stop.
pub(crate) fn run(place: &Place, args: &EgressProxy) -> ExitCode {
    let boot = BootArgs { config: place.config.clone(), ready_file: args.ready_file.clone() };
    sluice_runtime::run_proxy(SERVICE, &boot, serve)
}

async fn serve(boot: Boot) -> Result<()> {
    want_descriptors();
    let bind = boot.settings.egress.proxy_bind;
    let proxy = sluice_wiring::egress_proxy(&boot.settings);
    let proxy = proxy.await.with_context(|| format!("cannot listen on {bind} (egress.proxy_bind)"))?;
    tracing::info!(egress.address = %proxy.address(), "Other processes go out through here");
    boot.announce(Some(proxy.address()))?;
    proxy.serve(&boot.shutdown).await;
    Ok(())
}

/// As many descriptors as the system gives, up to what it can need. With fewer, connections wait.
fn want_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _kept = setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS.min(hard).max(soft), hard);
    }
}
