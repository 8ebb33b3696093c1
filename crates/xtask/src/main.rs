//! Repository commands: `cargo xtask demo`, `test`, `bench`, `tidy`.
//!
//! They install what is missing, build, and start the real programs. Nothing of Sluice itself lives here, and nothing here is needed to
//! run Sluice.
#![expect(clippy::print_stdout, reason = "a command line speaks on standard output")]

mod bench;
mod demo;
mod interrupt;
mod place;
mod program;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Commands for working on Sluice.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Xtask {
    #[command(flatten)]
    Command(Command),
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Test(test::Test),
    Bench(bench::Bench),
    /// Check what compilers do not: the arrows between crates, file lengths, strays, machine paths, missing module docs
    Tidy,
}

fn main() -> ExitCode {
    let Xtask::Command(command) = Xtask::parse();
    let done = match command {
        Command::Demo(demo) => demo::run(&demo),
        Command::Test(test) => test::run_all(&test),
        Command::Bench(bench) => bench::run_one(&bench),
        Command::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n✕ {error:#}");
            ExitCode::FAILURE
        }
    }
}
