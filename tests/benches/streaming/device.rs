//! "Save to this device": how soon the first byte comes, how long a film may be for that, how fast the rest is and what it costs; beside
//! `yt-dlp -o -`, which does the same with ffmpeg, by itself and behind a web server; nginx, which only has to serve the finished file; and a
//! relay, which only has to pass bytes on.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    api::Api,
    eventually::eventually,
    family,
    http::body,
    media::{Library, Long},
    person::ADA,
    site::{Links, Stream},
    world::World,
};
use reqwest::{
    Client, Method, RequestBuilder, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, RANGE},
};
use tokio::process::{Child, Command};

use crate::{
    peers::{Peers, Took},
    relay::Relay,
    run::{LIMIT, MEGABYTE, line, seconds},
};

/// Runs of which the middle one counts.
const RUNS: usize = 5;
/// Megabytes of five hours of the film, and of ten seconds.
const FIVE_HOURS: u64 = 20_000;
const TEN_SECONDS: u64 = 10;

pub(crate) async fn measure(megabytes: u64) -> Result<()> {
    let world = World::setup().secure().workers(0).setting("limits.max_file_bytes", "100 GB").start().await?;
    let (ada, peers) = (world.person(ADA).await?, Peers::of(&world, ADA).await?);
    let library = Library::of_the_repository()?;
    let publish = async |id: &str, megabytes: u64| {
        anyhow::Ok(world.site.publish_pair(id, &Long::mp4(&library, megabytes).await?, Links::Plain))
    };

    // Each link is one that nobody has looked at yet: the click has everything to do.
    let warm = publish("warm", TEN_SECONDS).await?;
    first_byte(&ada.api, &world, &warm).await?;
    let (mut ours, mut theirs, mut long) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let short = publish(&format!("short-{run}"), TEN_SECONDS).await?;
        ours.push(first_byte(&ada.api, &world, &short).await?);
        theirs.push(peers.first_byte(&peers.yt_dlp_to_stdout(&world.site.url(&short.path))).await?);
        let film = publish(&format!("long-{run}"), FIVE_HOURS).await?;
        long.push(first_byte(&ada.api, &world, &film).await?);
    }
    let (ours, theirs, long) = (middle(ours), middle(theirs), middle(long));
    line("click to first byte, Sluice", &seconds(ours));
    line("  yt-dlp -o -", &seconds(theirs));
    line("  Sluice / peer", &format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64()));
    line("  Sluice, a film of five hours", &seconds(long));
    let film = publish("long", FIVE_HOURS).await?;
    let last = end(&ada.api, &world.site.url(&film.path)).await?;
    line("  its last bytes, where its length says that they are", &seconds(last));

    let film = publish("film", megabytes).await?;
    let link = world.site.url(&film.path);
    // Both sides know the link by now; what is measured is the stream.
    first_byte(&ada.api, &world, &film).await?;
    let web = world.web_process()?.group();
    let (before, begun) = (family::cpu(web), Instant::now());
    let bytes = drain(ada.api.save(Method::GET, &link, "best")?.timeout(LIMIT)).await?;
    let (wall, cpu) = (begun.elapsed(), family::cpu(web).saturating_sub(before));
    told("Sluice", bytes, wall, cpu);
    let other = peers.run(&[peers.yt_dlp_to_stdout(&link)]).await?;
    told("  yt-dlp -o -", bytes, other.wall, other.cpu);
    line("  rate, Sluice / peer", &format!("{:.2}", other.wall.as_secs_f64() / wall.as_secs_f64()));
    line("  processor time, peer / Sluice", &format!("{:.1}", other.cpu.as_secs_f64() / cpu.as_secs_f64()));
    let served = behind_a_web_server(&peers, &link).await?;
    told("  yt-dlp -o - | a web server", bytes, served.wall, served.cpu);
    line("  processor time, peer / Sluice", &format!("{:.1}", served.cpu.as_secs_f64() / cpu.as_secs_f64()));
    let (path, _) = film.files.first().context("no picture")?;
    let (relay, begun) = (Relay::to(world.site.address())?, Instant::now());
    let passed =
        drain(Client::new().get(format!("http://{}{path}", relay.address)).header(CONNECTION, "close")).await?;
    let (took, relayed) = (begun.elapsed(), relay.end()?);
    told("  a relay, of the picture", passed, took, relayed);
    let each = |bytes: u64, cpu: Duration| cpu.as_secs_f64() / bytes as f64;
    line("  processor time, Sluice / relay", &format!("{:.2}", each(bytes, cpu) / each(passed, relayed)));
    let file = world.scratch("served")?.join("film.mp4");
    let mut whole = ada.api.save(Method::GET, &link, "best")?.timeout(LIMIT).send().await?;
    let mut writer = tokio::fs::File::create(&file).await?;
    while let Some(chunk) = whole.chunk().await? {
        tokio::io::AsyncWriteExt::write_all(&mut writer, &chunk).await?;
    }
    tokio::io::AsyncWriteExt::flush(&mut writer).await?;
    match Nginx::serve(file.parent().context("a folder")?).await? {
        Some(nginx) => {
            let begun = Instant::now();
            let bytes = drain(Client::new().get(format!("{}/film.mp4", nginx.address)).timeout(LIMIT)).await?;
            let plain = begun.elapsed();
            told("  nginx, the finished file", bytes, plain, family::cpu(nginx.pid()?));
            line("  rate, Sluice / nginx", &format!("{:.2}", plain.as_secs_f64() / wall.as_secs_f64()));
        }
        None => line("  nginx", "is not on this machine"),
    }
    world.end().await
}

fn told(who: &str, bytes: u64, wall: Duration, cpu: Duration) {
    let (rate, cost) = (bytes as f64 / MEGABYTE / wall.as_secs_f64(), cpu.as_secs_f64() * 1e9 / bytes as f64);
    line(who, &format!("{rate:.0} MB/s, {cost:.2} s of CPU for each GB"));
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// From the click to the first byte of the file, which must have told its length.
async fn first_byte(api: &Api, world: &World, stream: &Stream) -> Result<Duration> {
    let begun = Instant::now();
    let mut answer = api.save(Method::GET, &world.site.url(&stream.path), "best")?.send().await?;
    ensure!(answer.status().is_success(), "{answer:?}");
    let length = answer.content_length().context("no length")?;
    ensure!(length > stream.bytes() / 100 * 99, "{length} bytes of {}", stream.bytes());
    answer.chunk().await?.context("no byte")?;
    Ok(begun.elapsed())
}

/// Until the last bytes are there, and nothing behind them. The tables that stand at the end tell where each sample is: for them, every
/// fragment is asked.
async fn end(api: &Api, link: &str) -> Result<Duration> {
    let whole = api.save(Method::HEAD, link, "best")?.send().await?;
    let told = whole.headers().get(CONTENT_LENGTH).context("no length")?;
    let total: u64 = told.to_str()?.parse()?;
    let begun = Instant::now();
    let last = api.save(Method::GET, link, "best")?.header(RANGE, format!("bytes={}-", total - 7));
    let last = body(last.timeout(LIMIT).send().await?.error_for_status()?, 1000).await?;
    ensure!(last.len() == 7, "{} bytes where 7 were to come", last.len());
    let took = begun.elapsed();
    let beyond = api.save(Method::GET, link, "best")?.header(RANGE, format!("bytes={total}-")).send().await?;
    ensure!(beyond.status() == StatusCode::RANGE_NOT_SATISFIABLE, "{beyond:?}");
    Ok(took)
}

async fn drain(request: RequestBuilder) -> Result<u64> {
    let mut answer = request.send().await?.error_for_status()?;
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await? {
        bytes += chunk.len() as u64;
    }
    Ok(bytes)
}

/// What yt-dlp writes, given to a device: the same work as ours.
async fn behind_a_web_server(peers: &Peers, link: &str) -> Result<Took> {
    let port = free_port()?;
    let steps = [peers.yt_dlp_to_stdout(link), peers.web_server(port)];
    let device = async {
        let listens = async || Ok(Client::new().get(format!("http://127.0.0.1:{port}/")).send().await.ok());
        let mut answer = eventually("the web server answers", LIMIT, listens).await?;
        while answer.chunk().await?.is_some() {}
        anyhow::Ok(())
    };
    Ok(tokio::try_join!(peers.run(&steps), device)?.0)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A plain nginx over a folder.
struct Nginx {
    child: Child,
    address: String,
}

impl Nginx {
    /// `None` where there is none.
    async fn serve(folder: &Path) -> Result<Option<Self>> {
        let port = free_port()?;
        let (root, config) = (folder.display(), folder.join("nginx.conf"));
        std::fs::write(
            &config,
            format!(
                "daemon off; master_process off; pid {root}/nginx.pid; error_log stderr; events {{}}\n\
                 http {{ access_log off; sendfile on; client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};\n\
                 uwsgi_temp_path {root}; scgi_temp_path {root}; server {{ listen 127.0.0.1:{port}; root {root}; }} }}\n"
            ),
        )?;
        #[expect(clippy::disallowed_methods, reason = "the one place where this bench starts nginx")]
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&config).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let Ok(child) = command.spawn() else { return Ok(None) };
        let listens = async || Ok(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok().map(drop));
        eventually("nginx listens", Duration::from_secs(10), listens).await?;
        Ok(Some(Self { child, address: format!("http://127.0.0.1:{port}") }))
    }

    fn pid(&self) -> Result<nix::unistd::Pid> {
        Ok(nix::unistd::Pid::from_raw(i32::try_from(self.child.id().context("nginx has ended")?)?))
    }
}
