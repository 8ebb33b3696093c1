//! `cargo xtask demo`: from a fresh clone to a file that landed, with nothing else typed.
//!
//! Everything is real and on this machine: `sluice up` with its Redis, web server, worker and practice Dropbox; a local site with a clip
//! that ffmpeg encodes; a sign-in as a browser does it; the clip sent with `sluice send`; its content hash computed from the disk.

mod browser;
mod proof;
mod step;

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde::Deserialize;

use self::{browser::Person, step::Step};
use crate::{
    interrupt::Interrupt,
    place,
    program::{Server, command, output},
    test,
    tools::{self, Venv},
};

/// The sample clip is encoded at the first start.
const SITE_PATIENCE: Duration = Duration::from_secs(180);
const UP_PATIENCE: Duration = Duration::from_secs(150);

/// Install what is missing, build, start everything, and send a sample clip through the whole path
///
/// Stays up on port 8080 of this machine until Ctrl-C, unless --once is given. Files that it makes are in .sluice/demo.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End when the clip has landed, instead of staying up
    #[arg(long)]
    once: bool,
    /// Port of the page; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

/// What `sluice send --json` prints, as far as the proof needs it.
#[derive(Debug, Deserialize)]
struct Landed {
    dropbox_path: String,
    size: u64,
    content_hash: String,
}

/// Runs it.
pub(crate) fn run(demo: &Demo) -> Result<()> {
    let begun = Instant::now();
    let interrupt = Interrupt::listen()?;
    port_is_free(demo.port)?;
    let dir = place::demo();
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    tools::ensure(tools::RUN, Venv::Run)?;
    println!("✓ The tools are there: redis-server, ffmpeg, yt-dlp");
    interrupt.check()?;
    test::build()?;
    interrupt.check()?;
    println!("✓ Built");

    let step = Step::begin("Encoding a sample clip and serving it as a site would");
    let (mut site, clip) = start_site(&dir, &interrupt)?;
    step.done(&format!("A local site shows a sample clip, video and sound apart: {clip}"));

    let step = Step::begin("Starting Sluice");
    let (mut up, web) = start_up(&dir, demo.port, &interrupt)?;
    step.done(&format!("Sluice is up: {web}"));

    let step = Step::begin("Signing in, as a browser does");
    let person = browser::sign_in(&web).context("the sign-in failed")?;
    step.done(&format!("Signed in through the consent page as {}", person.name));

    let landed = send(&dir, &web, &person, &clip).with_context(|| format!("see {}", up.log().display()))?;
    let file = dir.join("dropbox").join(&person.name).join(landed.dropbox_path.trim_start_matches('/'));
    proof::check(&file, landed.size, &landed.content_hash)?;
    println!("✓ It landed: {}", file.display());
    println!("✓ {} bytes, content hash {}, computed from the disk", landed.size, landed.content_hash);
    println!("✓ All in {:.1} s", begun.elapsed().as_secs_f64());

    if !demo.once {
        println!("\n  Open {web}, connect as {} and paste this link:\n  {clip}\n", person.name);
        println!("  The log is in {}. Ctrl-C ends.", up.log().display());
        stay(&interrupt, &mut [&mut up, &mut site])?;
        println!("\nStopping …");
    }
    up.stop();
    site.stop();
    Ok(())
}

fn port_is_free(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {port} is in use, perhaps by another demo: stop that one, or choose another port: cargo xtask demo --port {}",
            port.wrapping_add(1)
        ),
        Err(error) => Err(error).with_context(|| format!("cannot listen on port {port}")),
    }
}

fn start_site(dir: &Path, interrupt: &Interrupt) -> Result<(Server, String)> {
    let mut site = command(place::binary("media-site")?);
    site.arg("--dir").arg(dir.join("clips"));
    Server::start("media-site", site, dir, SITE_PATIENCE, interrupt)
}

fn start_up(dir: &Path, port: u16, interrupt: &Interrupt) -> Result<(Server, String)> {
    let mut up = sluice(dir)?;
    up.args(["up", "--bind", &format!("{}:{port}", Ipv4Addr::LOCALHOST)]);
    up.env("SLUICE__TOOLS__YT_DLP", place::in_venv("yt-dlp"));
    up.env("SLUICE__TOOLS__PYTHON", place::in_venv("python"));
    // The sample site is on this machine, where no link may lead otherwise.
    up.env("SLUICE__EGRESS__ALLOW", "127.0.0.0/8");
    Server::start("sluice-up", up, dir, UP_PATIENCE, interrupt)
}

/// Sends the clip with the command line, which shows the progress.
fn send(dir: &Path, web: &str, person: &Person, clip: &str) -> Result<Landed> {
    let token = token(dir, person)?;
    let mut send = sluice(dir)?;
    send.args(["send", "--json", "--server", web, "--", clip]).env("SLUICE_TOKEN", token);
    let output =
        send.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("sluice send cannot be started")?;
    ensure!(output.status.success(), "the clip did not arrive");
    serde_json::from_slice(&output.stdout).context("sluice send printed something unexpected")
}

/// The API token of earlier demos, as long as it works; otherwise a new one.
fn token(dir: &Path, person: &Person) -> Result<String> {
    let path = dir.join("api-token");
    let known = output(sluice(dir)?.args(["token", "list", "--account", &person.account]))?;
    if let (false, Ok(token)) = (!known.contains("  demo  "), fs::read_to_string(&path)) {
        return Ok(token.trim().to_owned());
    }
    let token = output(sluice(dir)?.args(["token", "create", "--name", "demo", "--account", &person.account]))?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all(token.as_bytes())?;
    Ok(token.trim().to_owned())
}

/// `sluice` on the demo's data directory, untouched by settings that the machine may have.
fn sluice(dir: &Path) -> Result<Command> {
    let mut sluice = command(place::binary("sluice")?);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SLUICE_") {
            sluice.env_remove(name);
        }
    }
    sluice.arg("--data-dir").arg(dir);
    Ok(sluice)
}

/// Until Ctrl-C, or until a server ends by itself.
fn stay(interrupt: &Interrupt, servers: &mut [&mut Server]) -> Result<()> {
    while !interrupt.asked() {
        servers.iter_mut().try_for_each(|server| server.check())?;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
