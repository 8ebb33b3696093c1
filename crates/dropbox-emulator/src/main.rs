//! The program `dropbox-emulator`: flags and environment in, a running emulator out.
//!
//! Every flag can also be given as `SLUICE_EMULATOR_<FLAG>`; lists in the environment are separated by commas.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dropbox_emulator::settings::{App, Settings, Switches, Throttle, TlsFiles};
use dropbox_emulator::{Emulator, Error};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The Dropbox API on your own machine, over a plain folder. A practice stand-in: nothing reaches dropbox.com.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Folder behind the accounts: files appear in FOLDER/<account name>/
    #[arg(long, value_name = "DIR", env = "SLUICE_EMULATOR_FOLDER")]
    folder: PathBuf,
    /// Address to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:0", env = "SLUICE_EMULATOR_BIND")]
    bind: SocketAddr,
    /// File to write the base URL to once the emulator answers
    #[arg(long, value_name = "PATH", env = "SLUICE_EMULATOR_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// Certificate chain, for HTTPS
    #[arg(long, value_name = "PEM", requires = "tls_key", env = "SLUICE_EMULATOR_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate
    #[arg(long, value_name = "PEM", requires = "tls_cert", env = "SLUICE_EMULATOR_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// An app that may connect, as KEY or KEY:SECRET (repeatable). None: every app key is accepted
    #[arg(long, value_name = "KEY", value_delimiter = ',', env = "SLUICE_EMULATOR_APP_KEY")]
    app_key: Vec<String>,
    /// Name of an account (repeatable)
    #[arg(
        long, value_name = "NAME", value_delimiter = ',', default_values = ["Ada Example", "Ben Example"],
        env = "SLUICE_EMULATOR_ACCOUNT"
    )]
    account: Vec<String>,
    /// Space of a new account, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 2_000_000_000_000, env = "SLUICE_EMULATOR_QUOTA")]
    quota: u64,
    /// Behaviour where Dropbox is undocumented, as name=value (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',', env = "SLUICE_EMULATOR_SWITCH")]
    switch: Vec<String>,
    /// A slow line: bytes per second of each connection; 0 for as fast as it goes
    #[arg(long, value_name = "BYTES", default_value_t = 0, env = "SLUICE_EMULATOR_CONNECTION_PACE")]
    connection_pace: u64,
    /// A slow line: bytes per second of all connections together
    #[arg(long, value_name = "BYTES", default_value_t = 0, env = "SLUICE_EMULATOR_TOTAL_PACE")]
    total_pace: u64,
    /// A long line: milliseconds before each call
    #[arg(long, value_name = "MS", default_value_t = 0, env = "SLUICE_EMULATOR_ROUND_TRIP")]
    round_trip: u64,
    /// Skip the consent page: the first account agrees to everything
    #[arg(long, env = "SLUICE_EMULATOR_AUTO_APPROVE")]
    auto_approve: bool,
}

impl Flags {
    fn settings(mut self) -> Result<Settings, Error> {
        // A variable that is set to nothing is how a compose file leaves a list out.
        for list in [&mut self.app_key, &mut self.account, &mut self.switch] {
            list.retain(|value| !value.is_empty());
        }
        let mut switches = Switches::default();
        self.switch.iter().try_for_each(|assignment| switches.set(assignment))?;
        Ok(Settings {
            folder: self.folder,
            bind: self.bind,
            tls: self.tls_cert.zip(self.tls_key).map(|(cert, key)| TlsFiles { cert, key }),
            apps: self.app_key.iter().map(|text| App::parse(text)).collect::<Result<_, _>>()?,
            accounts: self.account,
            quota: self.quota,
            switches,
            throttle: Throttle {
                connection_bytes_per_second: self.connection_pace,
                total_bytes_per_second: self.total_pace,
                round_trip_ms: self.round_trip,
                ..Throttle::default()
            },
            auto_approve: self.auto_approve,
        })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_max_level(tracing::Level::INFO)
        .init();
    let ready_file = flags.ready_file.clone();
    let result = async {
        let emulator = Emulator::build(flags.settings()?).await?;
        let stop = stop_on_signals()?;
        announce(&emulator.url(), ready_file)?;
        emulator.run(stop).await;
        anyhow::Ok(())
    };
    match result.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            // 64: the command line or the environment is wrong (sysexits.h).
            let usage = matches!(error.downcast_ref(), Some(Error::Setting(_)));
            ExitCode::from(if usage { 64 } else { 1 })
        }
    }
}

#[expect(clippy::print_stdout, reason = "the one line that callers wait for")]
fn announce(url: &str, ready_file: Option<PathBuf>) -> anyhow::Result<()> {
    println!("listening on {url}");
    if let Some(path) = ready_file {
        // Moved into place, so that whoever waits for the file finds it whole.
        let beside = path.with_extension("new");
        std::fs::write(&beside, url)?;
        std::fs::rename(beside, path)?;
    }
    Ok(())
}

fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopped.cancel();
    });
    Ok(stop)
}
