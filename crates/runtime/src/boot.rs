//! From arguments to a running server, the same in every binary: settings, log, crypto, signals, then the app.

use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{Settings, SettingsError, ready, signals, telemetry};

/// The exit code for settings that cannot be used (`EX_USAGE` of sysexits.h): restarting will not help.
pub const EXIT_SETTINGS: u8 = 64;

/// The arguments that every server takes.
#[derive(Debug, Clone, Default, Args)]
pub struct BootArgs {
    /// Settings file; it needs only the keys that differ from the defaults
    #[arg(long, value_name = "FILE", env = "SLUICE_CONFIG")]
    pub config: Option<PathBuf>,
    /// File to write the bound address to, once ready
    #[arg(long, value_name = "PATH")]
    pub ready_file: Option<PathBuf>,
}

/// What an app gets to start with.
#[derive(Debug)]
pub struct Boot {
    /// Complete enough to serve.
    pub settings: Settings,
    /// Cancelled when the process is told to stop.
    pub shutdown: CancellationToken,
    ready_file: Option<PathBuf>,
}

impl Boot {
    /// Says that the server is ready, and where it listens, if anywhere.
    ///
    /// # Errors
    /// When the ready file cannot be written.
    pub fn announce(&self, bound: Option<SocketAddr>) -> io::Result<()> {
        match bound {
            Some(bound) => ready::announce(&bound.to_string(), self.ready_file.as_deref()),
            None => ready::announce_without_address(self.ready_file.as_deref()),
        }
    }
}

/// Runs a server until its app returns: exit code 0, 1 after an error of the app, [`EXIT_SETTINGS`] when the settings cannot be used.
pub fn run<A, F>(service: &str, args: &BootArgs, app: A) -> ExitCode
where
    A: FnOnce(Boot) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    run_with(service, args, Settings::load_for_server(args.config.as_deref()), app)
}

/// The same for the proxy that other processes go out through, which has neither Redis nor keys.
pub fn run_proxy<A, F>(service: &str, args: &BootArgs, app: A) -> ExitCode
where
    A: FnOnce(Boot) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    run_with(service, args, Settings::load_for_proxy(args.config.as_deref()), app)
}

fn run_with<A, F>(service: &str, args: &BootArgs, settings: Result<Settings, SettingsError>, app: A) -> ExitCode
where
    A: FnOnce(Boot) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{service}: {error}");
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    telemetry::init(&settings.log, service);
    install_crypto();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!("The runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        let boot = Boot { settings, shutdown: signals::shutdown(), ready_file: args.ready_file.clone() };
        Box::pin(app(boot)).await
    });
    match ended {
        Ok(()) => {
            info!("Stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            error!("Stopped: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Installs ring as the process's TLS cryptography. Only the first call does anything.
pub fn install_crypto() {
    let _already_there = rustls::crypto::ring::default_provider().install_default();
}
