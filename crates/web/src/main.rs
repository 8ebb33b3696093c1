//! `sluice-web`: serves the pages and the API until it is told to stop.

use std::process::ExitCode;

use clap::Parser;
use sluice_runtime::BootArgs;
use sluice_web::App;

/// The web server of Sluice: pages, API, live events
#[derive(Debug, Parser)]
#[command(name = "sluice-web", version)]
struct Args {
    #[command(flatten)]
    boot: BootArgs,
}

fn main() -> ExitCode {
    sluice_runtime::run("sluice-web", &Args::parse().boot, async |boot| {
        let app = App::build(&boot.settings, boot.shutdown.clone()).await?;
        boot.announce(Some(app.bound()))?;
        app.run().await?;
        Ok(())
    })
}
