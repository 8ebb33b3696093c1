//! `sluice`: the command line. `up` runs everything on one machine; `send` speaks to a server; the others look after an installation.
//!
//! Refuses to do a job itself: `send` asks a server, `up` starts the real programs.
#![expect(clippy::print_stdout, reason = "a command line speaks on standard output")]

mod doctor;
mod egress_proxy;
mod installation;
mod migrate;
mod place;
mod programs;
mod queue;
mod random;
mod rotate_key;
mod send;
mod status;
mod token;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sluice_runtime::{EXIT_SETTINGS, SettingsError};

use crate::place::Place;

/// Send links to your Dropbox: paste the address of a video, get the file in your own cloud.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, after_help = "Start here: `sluice up`, then open http://127.0.0.1:8080")]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Up),
    Send(send::Send),
    Status(status::Status),
    Queue(queue::Queue),
    Doctor(doctor::Doctor),
    /// Bring the data in Redis to this version's schema
    ///
    /// Every server does so when it starts; this is for doing it beforehand, while the old servers still run or none does.
    Migrate,
    /// Seal everything in Redis anew with the first of the secret keys
    ///
    /// To replace the key: set `security.secret_key` to the new one and the old one with a space between, restart every process, run this, then set it to the
    /// new one alone. It may run while everything else does, and be repeated.
    RotateKey,
    Token(token::Token),
    EgressProxy(egress_proxy::EgressProxy),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::EgressProxy(args) = &cli.command {
        return egress_proxy::run(&cli.place, args);
    }
    sluice_runtime::install_crypto();
    // One thread: children are tied to the thread that started them.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("sluice: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sluice: {error:#}");
            if error.is::<SettingsError>() { ExitCode::from(EXIT_SETTINGS) } else { ExitCode::FAILURE }
        }
    }
}

async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Up(args) => up::run(&cli.place, args).await.map(|()| ExitCode::SUCCESS),
        Command::Send(args) => send::run(args).await,
        Command::Status(args) => status::run(&cli.place, args).await.map(|()| ExitCode::SUCCESS),
        Command::Queue(args) => queue::run(&cli.place, args).await.map(|()| ExitCode::SUCCESS),
        Command::Doctor(args) => doctor::run(&cli.place, args).await,
        Command::Migrate => migrate::run(&cli.place).await.map(|()| ExitCode::SUCCESS),
        Command::RotateKey => rotate_key::run(&cli.place).await.map(|()| ExitCode::SUCCESS),
        // It starts as a server does, before this.
        Command::EgressProxy(_) => Ok(ExitCode::FAILURE),
        Command::Token(args) => token::run(&cli.place, args).await.map(|()| ExitCode::SUCCESS),
    }
}
