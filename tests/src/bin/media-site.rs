//! `media-site`: a local site with one sample film, separate video and audio, for demonstrations.
//! It serves until it is ended, and knows nothing of the product. Scripts steer it by the calls below `/control/`.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Parser;
use e2e::{
    media::{Adaptive, Clips, Library, Shape, poster},
    site::{Delivery, Site, publish_film, publish_samples},
};

/// Serve a sample film on loopback, as a site would.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder that keeps the encoded film between runs.
    #[arg(long)]
    dir: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    bind: SocketAddr,
    /// File that receives the address of the sample page when all is ready.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// Pace of each download in bytes per second, so that one can watch it; as fast as possible otherwise.
    #[arg(long)]
    pace: Option<u64>,
    /// Also serve one sample of every other kind of input and print their addresses.
    #[arg(long)]
    all: bool,
}

/// Long and rich enough to be watched while it travels, quick enough to be encoded while one waits.
const FILM: Shape = Shape { seconds: 20, rate: 25, video_bits: 4_000_000 };

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let library = Library::open(&arguments.dir)?;
    let film = Adaptive::mp4(&library, FILM, &[720, 480]).await?;
    let poster = poster(&library, FILM, 720).await?;
    let site = Site::bind(arguments.bind).await?;
    let sample = publish_film(&site, "sample", "A sluice opens: Sluice's sample film", &film, &poster);
    let mut out = std::io::stdout();
    if let Some(pace) = arguments.pace {
        for path in &sample.files {
            site.deliver(path, Delivery::paced(pace));
        }
    }
    writeln!(out, "listening on {}", site.url(""))?;
    writeln!(out, "{}", site.url(&sample.path))?;
    if arguments.all {
        for sample in publish_samples(&site, &Clips::make(&library, Shape::TEST).await?)? {
            writeln!(out, "{}  {}", site.url(&sample.path), sample.kind)?;
        }
    }
    if let Some(file) = &arguments.ready_file {
        announce(file, &site.url(&sample.path))?;
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// Written aside and renamed: whoever waits for the file finds it whole.
fn announce(file: &Path, address: &str) -> Result<()> {
    let aside = file.with_extension("partial");
    std::fs::write(&aside, address)
        .and_then(|()| std::fs::rename(&aside, file))
        .with_context(|| format!("cannot write {}", file.display()))
}
