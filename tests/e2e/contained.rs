//! yt-dlp replaced by a program that means harm: what it tries does not work, and the worker goes on.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use e2e::{
    inward::Canary,
    media::clips,
    person::ADA,
    site::{Content, Resource},
    world::World,
};
use nix::unistd::geteuid;

const LIMIT: Duration = Duration::from_secs(120);

/// Does everything that it can, tells in its title what of it worked, and otherwise looks like a film.
const HOSTILE: &str = r#"#!/usr/bin/env python3
import json, os, signal, socket, subprocess, sys, time

if "--version" in sys.argv:
    print("2026.01.01")
    sys.exit()

def connect(): socket.create_connection(("127.0.0.1", CANARY), 3)
def connect6(): socket.create_connection(("::1", CANARY), 3)
def datagram(): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", CANARY))
def redis(): socket.socket(socket.AF_UNIX).connect("REDIS")
def proxy_inward():
    import urllib.request
    urllib.request.urlopen("http://127.0.0.1:CANARY/", timeout=5)
def curl(): subprocess.run(["curl", "-sf", "--noproxy", "*", "http://127.0.0.1:CANARY/"], check=True)
def ffmpeg(): subprocess.run(["ffmpeg", "-v", "quiet", "-i", "tcp://127.0.0.1:CANARY", "-f", "null", "-"], check=True)
def other_job(): open("OTHER/secret").read()
def other_jobs(): os.listdir("OTHER")
def overwrite(): open("OTHER/secret", "w").write("mine")
def elsewhere(): open("OTHER/mine", "w").write("mine")
def environment(): open(f"/proc/{os.getppid()}/environ", "rb").read()
def memory(): open(f"/proc/{os.getppid()}/mem", "rb").read(1)
def kill(): os.kill(os.getppid(), signal.SIGKILL)
def get_away(): os.setsid()

worked = []
for name in ["connect", "connect6", "datagram", "redis", "proxy_inward", "curl", "ffmpeg", "other_job", "other_jobs", "overwrite",
             "elsewhere", "environment", "memory", "kill", "get_away"]:
    try:
        globals()[name]()
        worked.append(name)
    except (OSError, subprocess.SubprocessError):
        pass
forks = 0
while forks < 300:
    try:
        if os.fork() == 0:
            try:
                os.setsid()
            except OSError:
                pass
            os.close(1)
            os.close(2)
            time.sleep(600)
        forks += 1
    except OSError:
        break
print(json.dumps({"id": "x", "title": f"worked {' '.join(worked)} forks {forks}", "extractor": "x", "formats": [
    {"format_id": "0", "url": "CLIP", "protocol": "http", "ext": "mp4", "vcodec": "avc1", "acodec": "mp4a"}]}))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_yt_dlp_gets_nowhere() -> Result<()> {
    let (canary, programs) = (Canary::start().await?, tempfile::tempdir()?);
    let (hostile, python) = (programs.path().join("yt-dlp"), programs.path().join("python"));
    // Nobody has a yt-dlp to import: every link is looked at by the program.
    program(&python, "#!/bin/sh\nexec python3 -S \"$@\"\n")?;
    program(&hostile, HOSTILE)?;
    let world = World::setup()
        .setting("tools.yt_dlp", &hostile.display().to_string())
        .setting("tools.python", &python.display().to_string())
        .setting("server.previews", "0")
        .start()
        .await?;
    let other = world.spool().join("other-job");
    fs::create_dir(&other)?;
    fs::write(other.join("secret"), "another job's")?;
    let clip = Content::new(clips().await?.progressive.clone());
    world.site.publish("/clip.mp4", Resource::file("video/mp4", clip));
    let said = HOSTILE
        .replace("CANARY", &canary.port().to_string())
        .replace("OTHER", &other.display().to_string())
        .replace("REDIS", &world.redis_socket()?.display().to_string())
        .replace("CLIP", &world.site.url("/clip.mp4"));
    program(&hostile, &said)?;

    let ada = world.person(ADA).await?;
    for link in ["/first", "/second"] {
        let job = ada.api.run(&world.site.url(link), "best", LIMIT).await?;
        let title = job.title.as_deref().context("no title")?;
        let forks: u32 = title.strip_prefix("worked  forks ").with_context(|| title.to_owned())?.parse()?;
        ensure!(job.state == "completed" && job.attempt == 1, "{job:?}");
        if geteuid().is_root() {
            eprintln!("root's processes are not counted: {forks} were made");
        } else {
            ensure!(forks < 128, "{forks} processes");
        }
    }
    ensure!(canary.hits().is_empty(), "{:?}", canary.hits());
    ensure!(fs::read_to_string(other.join("secret"))? == "another job's" && !other.join("mine").exists());
    fs::remove_dir_all(other)?;
    world.end().await
}

fn program(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
