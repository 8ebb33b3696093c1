//! `sluice up`: everything on one machine, kept alive, and gone without a trace.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use e2e::{
    binaries::binary,
    eventually::eventually,
    http::client,
    process::{Launch, Process},
    tools::{environment, python},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::StatusCode;

const LIMIT: Duration = Duration::from_secs(30);
/// What runs when all is well.
const PROGRAMS: [&str; 4] = ["redis-server", "dropbox-emulator", "sluice-web", "sluice-worker"];

#[tokio::test(flavor = "multi_thread")]
async fn what_dies_comes_back_and_what_is_stopped_is_gone() -> Result<()> {
    let place = tempfile::tempdir()?;
    let up = Process::start(place.path(), launch(place.path(), "up")?).await?;
    let url = up.address().to_owned();
    ensure!(status(&url).await == Some(StatusCode::OK), "not ready:\n{}", up.log());
    for program in PROGRAMS {
        let before = pid_of(place.path(), program).with_context(|| format!("{program} does not run"))?;
        kill(before, Signal::SIGKILL)?;
        eventually(&format!("another {program}"), LIMIT, async || {
            Ok(pid_of(place.path(), program).filter(|pid| *pid != before))
        })
        .await?;
        eventually("ready again", LIMIT, async || Ok((status(&url).await == Some(StatusCode::OK)).then_some(())))
            .await?;
    }
    up.stop().await?;
    ensure!(all(place.path()).is_empty(), "left behind: {:?}", all(place.path()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn children_die_with_it_and_another_can_start_at_once() -> Result<()> {
    let place = tempfile::tempdir()?;
    let launch = launch(place.path(), "up")?;
    let crashed = Process::start(place.path(), launch.clone()).await?;
    crashed.crash().await?;
    let up = Process::start(place.path(), launch).await?;
    // The first one's children may take a moment; then there is one of each.
    eventually("one of each", LIMIT, async || Ok((all(place.path()).len() == PROGRAMS.len() + 1).then_some(())))
        .await?;
    up.stop().await?;
    ensure!(all(place.path()).is_empty(), "left behind: {:?}", all(place.path()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_said_plainly() -> Result<()> {
    let (place, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let up = Process::start(place.path(), launch(place.path(), "up")?).await?;
    let second = Process::start(place.path(), launch(place.path(), "second")?).await;
    let told = second.err().context("two on one data directory")?.to_string();
    ensure!(told.contains("already runs") && told.contains(up.address()), "{told}");
    let mut busy = launch(other.path(), "busy")?;
    let bind = busy.arguments.last_mut().context("no arguments")?;
    up.address().trim_start_matches("http://").clone_into(bind);
    let told = Process::start(other.path(), busy).await.err().context("two on one port")?.to_string();
    ensure!(told.contains("in use") && told.contains("--bind"), "{told}");
    up.stop().await
}

fn launch(place: &Path, name: &str) -> Result<Launch> {
    // They have to stand beside it.
    for sibling in ["sluice-web", "sluice-worker", "dropbox-emulator"] {
        binary(sibling)?;
    }
    let python = python()?;
    let mut environment = environment();
    environment.insert("SLUICE__TOOLS__YT_DLP".to_owned(), text(&python.with_file_name("yt-dlp")));
    environment.insert("SLUICE__TOOLS__PYTHON".to_owned(), text(&python));
    let arguments = ["up", "--data-dir", &text(&place.join("data")), "--bind", "127.0.0.1:0"];
    Ok(Launch {
        name: name.to_owned(),
        program: binary("sluice")?,
        arguments: arguments.map(str::to_owned).into(),
        environment,
        announces: true,
    })
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

async fn status(url: &str) -> Option<StatusCode> {
    Some(client().ok()?.get(format!("{url}/readyz")).send().await.ok()?.status())
}

/// Programs that work in this place, by their executable's name.
fn all(place: &Path) -> Vec<(Pid, String)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter_map(|number| {
            let process = PathBuf::from(format!("/proc/{number}"));
            let line = fs::read_to_string(process.join("cmdline")).ok()?;
            let name = fs::read_link(process.join("exe")).ok()?.file_name()?.to_string_lossy().into_owned();
            line.contains(&*place.to_string_lossy()).then(|| (Pid::from_raw(number), name))
        })
        .collect()
}

fn pid_of(place: &Path, program: &str) -> Option<Pid> {
    // Debian's redis-server is a link to another of Redis's programs.
    let is = |name: &str| name.starts_with(program) || (program == "redis-server" && name.starts_with("redis"));
    all(place).into_iter().find(|(_, name)| is(name)).map(|(pid, _)| pid)
}
