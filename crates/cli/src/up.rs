//! `sluice up`: everything on one machine, as real processes. The same programs as in production, wired together and kept alive.

mod child;
mod data;
mod house;
mod keep;
mod plan;

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use secrecy::ExposeSecret as _;
use sluice_runtime::{LogFormat, ready, signals, telemetry};
use tokio_util::sync::CancellationToken;

use self::{
    child::Launcher,
    house::House,
    plan::{Programs, Wishes},
};
use crate::{
    place::{DataDir, Place},
    programs,
};

/// How long a Redis that an earlier run left behind may take to end.
const LEFTOVER_REDIS: Duration = Duration::from_secs(30);

/// Start everything on this machine and keep it running: Redis, the web server, the worker
///
/// Brings a Redis of its own unless `redis.url` is set. While no `dropbox.app_key` is set it runs in practice mode: a stand-in for
/// Dropbox on this machine, with a plain folder behind it. Runs in the foreground until Ctrl-C; a second Ctrl-C stops at once.
#[derive(Debug, Args)]
#[command(
    after_help = "Settings: `sluice up --config FILE`, or SLUICE__SECTION__KEY in the environment. Data: --data-dir."
)]
pub(crate) struct Up {
    /// Worker processes; each carries out worker.concurrency jobs at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
    /// Address and port of the web server, instead of server.bind; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT")]
    bind: Option<SocketAddr>,
    /// File to write the web server's address to, once everything is ready
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

/// Runs until a signal or a trouble that cannot be mended.
pub(crate) async fn run(place: &Place, up: &Up) -> Result<()> {
    let settings = place.settings()?;
    let data = place.data_dir()?;
    let mut lock = data::open(&data)?;
    if settings.security.secret_key.expose_secret().is_empty() {
        data::ensure_secret_key(&data)?;
    }
    let bind = free(up.bind.unwrap_or(settings.server.bind))?;
    let wishes = Wishes {
        settings: &settings,
        config: place.config.as_deref(),
        data: &data,
        programs: &find_programs(settings.redis.url.expose_secret().is_empty(), settings.dropbox.app_key.is_empty())?,
        workers: up.workers,
        bind,
        emulator: free((Ipv4Addr::LOCALHOST, 0).into())?,
    };
    let layers = wishes.layers()?;
    telemetry::init(&settings.log, "sluice up");
    let hurry = CancellationToken::new();
    let shutdown = {
        let hurry = hurry.clone();
        signals::shutdown_then(move || hurry.cancel())
    };
    wait_for_leftovers(&data).await?;

    let launcher = Launcher::new(settings.log.format == LogFormat::Text).await;
    let mut house = House::new(launcher, shutdown, hurry);
    let end = match house.start(layers).await {
        Some(end) => end,
        None => {
            lock.note(&format!("process {}, http://{bind}", std::process::id()))?;
            welcome(&wishes, &settings.server.public_url(bind));
            ready::announce(&bind.to_string(), up.ready_file.as_deref()).context("cannot write the ready file")?;
            house.watch().await
        }
    };
    house.stop(end).await.with_context(|| format!("stopped; see above, and {}", data.redis_log().display()))
}

fn welcome(wishes: &Wishes<'_>, url: &str) {
    eprintln!("\nSluice is ready: {url}");
    if wishes.practice() {
        eprintln!("  PRACTICE MODE: no Dropbox app key is set, so a stand-in for Dropbox runs on this machine.");
        eprintln!("  What you send lands in {}", wishes.data.dropbox_folder().display());
    }
    eprintln!("  Data is kept in {}. Ctrl-C stops.\n", wishes.data.root.display());
}

/// The address, with a free port if 0 was asked for.
fn free(bind: SocketAddr) -> Result<SocketAddr> {
    match TcpListener::bind(bind) {
        Ok(listener) => Ok(listener.local_addr()?),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!(
                "{bind} is in use by another program: stop that one, or choose another port, such as --bind {}:{}",
                bind.ip(),
                bind.port().wrapping_add(1)
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {bind}")),
    }
}

/// The programs that are needed, or all that are missing.
fn find_programs(redis: bool, practice: bool) -> Result<Programs> {
    let mut missing = Vec::new();
    let mut sibling = |name: &str, needed: bool| {
        programs::beside_us(name).unwrap_or_else(|| {
            if needed {
                missing.push(format!("{name}, which belongs beside `sluice`; build all with `cargo build --bins`"));
            }
            PathBuf::new()
        })
    };
    let (emulator, web, worker) =
        (sibling("dropbox-emulator", practice), sibling("sluice-web", true), sibling("sluice-worker", true));
    let redis_server =
        programs::find("redis-server").or_else(|| programs::find("valkey-server")).unwrap_or_else(|| {
            if redis {
                missing.push("redis-server (or valkey-server): install it, or set redis.url".to_owned());
            }
            PathBuf::new()
        });
    if missing.is_empty() {
        return Ok(Programs { redis_server, emulator, web, worker });
    }
    bail!("missing:\n  - {}", missing.join("\n  - "))
}

/// A Redis of an earlier run that was killed may still be writing; two on one folder would harm each other.
async fn wait_for_leftovers(data: &DataDir) -> Result<()> {
    let socket = data.redis_socket()?;
    let gone = async {
        while keep::answers(&socket).await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LEFTOVER_REDIS, gone)
        .await
        .with_context(|| format!("a redis-server of an earlier run still serves {}: stop it first", socket.display()))
}
