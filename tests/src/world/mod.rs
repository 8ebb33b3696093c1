//! A whole Sluice for one test: a private Redis, the practice Dropbox, a media site, web and workers, all real.
//!
//! Every world has its own directory, ports and secrets. It ends in one of two ways: `end()`, which stops everything in
//! order and fails when anything is left behind, or a drop after a failure, which prints the logs and kills what runs.

mod ending;
mod exit;
mod leftovers;
mod setup;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::sync::SemaphorePermit;

use crate::{
    api::Api,
    authority::Authority,
    binaries::binary,
    emulator::Emulator,
    person::{Person, sign_in},
    process::{Launch, Process},
    proxy::Proxy,
    redis::{Place, Redis},
    site::Site,
};

pub use exit::Exit;
pub use setup::Setup;

/// Everything that one test needs, running.
#[derive(Debug)]
pub struct World {
    /// The media site, in this process.
    pub site: Site,
    /// The practice Dropbox.
    pub emulator: Emulator,
    redis: Option<Redis>,
    // Where its data are while it is away.
    redis_place: Option<Place>,
    line: Option<Proxy>,
    exit: Option<Exit>,
    web: Option<Process>,
    workers: Vec<Process>,
    started: usize,
    environment: BTreeMap<String, String>,
    authority: Option<Authority>,
    directory: TempDir,
    ended: bool,
    // Declared last: the next world may start when all of this one is gone.
    _turn: SemaphorePermit<'static>,
}

impl World {
    /// A world as set up by default: one worker, the product's own limits.
    pub async fn start() -> Result<Self> {
        Self::setup().start().await
    }

    /// Says how the world is to differ from the default.
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// The address of the web server.
    pub fn web(&self) -> Result<&str> {
        Ok(self.web.as_ref().context("the web server does not run")?.address().trim_end_matches('/'))
    }

    /// Signs the account called `name` in and makes an API token for it.
    pub async fn person(&self, name: &str) -> Result<Person> {
        let web = self.web()?;
        let signed_in =
            sign_in(self.emulator.client(), web, name).await.with_context(|| format!("{name} cannot sign in"))?;
        let token = self.command(&["token", "create", "--account", &signed_in.account]).await?;
        // The token stands alone on the last line, so that it can be piped.
        let token = token.lines().last().context("no token was printed")?.trim().to_owned();
        Ok(Person {
            api: Api::new(web, &token)?,
            account: signed_in.account,
            cookie: signed_in.cookie,
            files: self.emulator.files(name),
        })
    }

    /// Runs `sluice` with these arguments; its standard output, or an error when it fails.
    pub async fn command(&self, arguments: &[&str]) -> Result<String> {
        #[expect(clippy::disallowed_methods, reason = "the command line is a program that ends by itself")]
        let mut command = tokio::process::Command::new(binary("sluice")?);
        command
            .current_dir(self.directory.path())
            .env_clear()
            .envs(&self.environment)
            .args(arguments)
            .kill_on_drop(true);
        let running = tokio::time::timeout(std::time::Duration::from_secs(60), command.output());
        let output = running.await.context("sluice takes too long")??;
        let messages = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "sluice {arguments:?}: {}\n{messages}", output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Adds a worker; returns its place among `workers`.
    pub async fn add_worker(&mut self) -> Result<usize> {
        self.started += 1;
        let name = format!("worker-{}", self.started);
        self.workers.push(self.spawn(&name, "sluice-worker").await?);
        Ok(self.workers.len() - 1)
    }

    /// Kills the worker at `place` with SIGKILL, and it alone.
    pub async fn crash_worker(&mut self, place: usize) -> Result<()> {
        self.workers.remove(place).crash().await?;
        Ok(())
    }

    /// Stops the worker at `place` with SIGTERM and waits for its drain.
    pub async fn stop_worker(&mut self, place: usize) -> Result<()> {
        self.workers.remove(place).stop().await
    }

    /// Kills the web server with SIGKILL.
    pub async fn crash_web(&mut self) -> Result<()> {
        self.web.take().context("the web server does not run")?.crash().await?;
        Ok(())
    }

    /// Starts the web server again; its address changes.
    pub async fn start_web(&mut self) -> Result<()> {
        self.web = Some(self.spawn("web", "sluice-web").await?);
        Ok(())
    }

    /// Starts another web server beside the first; whoever has it stops it.
    pub async fn another_web(&mut self) -> Result<Process> {
        self.started += 1;
        self.spawn(&format!("web-{}", self.started), "sluice-web").await
    }

    /// The process of the web server.
    pub fn web_process(&self) -> Result<&Process> {
        self.web.as_ref().context("the web server does not run")
    }

    /// Adds a worker without waiting until it is ready; returns its place among `workers`.
    pub async fn send_for_worker(&mut self) -> Result<usize> {
        self.started += 1;
        let name = format!("worker-{}", self.started);
        let launch = Launch { announces: false, ..self.launch(&name, "sluice-worker")? };
        self.workers.push(Process::start(self.directory.path(), launch).await?);
        Ok(self.workers.len() - 1)
    }

    /// The workers, in the order in which they were added.
    pub fn workers(&self) -> &[Process] {
        &self.workers
    }

    /// Kills Redis with SIGKILL and starts it again over the same append-only file.
    pub async fn restart_redis(&mut self) -> Result<()> {
        self.crash_redis().await?;
        self.start_redis().await
    }

    /// Kills Redis with SIGKILL.
    pub async fn crash_redis(&mut self) -> Result<()> {
        let redis = self.redis.take().context("Redis does not run")?;
        self.redis_place = Some(redis.crash().await?);
        Ok(())
    }

    /// Ends Redis with SIGTERM.
    pub async fn stop_redis(&mut self) -> Result<()> {
        let redis = self.redis.take().context("Redis does not run")?;
        self.redis_place = Some(redis.stop().await?);
        Ok(())
    }

    /// Starts Redis again over its append-only file.
    pub async fn start_redis(&mut self) -> Result<()> {
        let place = self.redis_place.take().context("Redis was not ended")?;
        self.redis = Some(place.start().await?);
        Ok(())
    }

    /// Where Redis listens.
    pub fn redis_socket(&self) -> Result<PathBuf> {
        Ok(self.redis.as_ref().context("Redis does not run")?.socket().to_path_buf())
    }

    /// Keys of Redis that are there for what devices take just now.
    pub async fn keys_of_devices(&self) -> Result<Vec<String>> {
        #[expect(clippy::disallowed_methods, reason = "Redis is asked with Redis's own client")]
        let mut client = tokio::process::Command::new("redis-cli");
        let output = client.arg("-s").arg(self.redis_socket()?).arg("--scan").output().await?;
        ensure!(output.status.success(), "redis-cli: {output:?}");
        let text = String::from_utf8(output.stdout)?;
        let of_devices = |key: &&str| ["}:saving", "}:parts:", "}:running:"].iter().any(|part| key.contains(part));
        Ok(text.lines().filter(of_devices).map(str::to_owned).collect())
    }

    /// Redis's process id.
    pub fn redis_process_id(&self) -> Result<i32> {
        Ok(self.redis.as_ref().context("Redis does not run")?.process().group().as_raw())
    }

    /// The line to Redis, in a world that was set up with one.
    pub fn line(&self) -> Result<&Proxy> {
        self.line.as_ref().context("the world was not set up with a proxy")
    }

    /// The one way out, in a world that was set up with one.
    pub fn exit(&mut self) -> Result<&mut Exit> {
        self.exit.as_mut().context("the world was not set up behind a proxy")
    }

    /// Who vouches for Dropbox and the site, in a world that was set up so.
    pub fn authority(&self) -> Result<&Authority> {
        self.authority.as_ref().context("the world was not set up with TLS")
    }

    /// The folder of this world: logs, what Redis wrote, everything.
    pub fn place(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// The programs that have anything to do with this world at this moment, each with its command line.
    pub fn processes(&self) -> Vec<String> {
        leftovers::processes(self.directory.path()).into_iter().map(|(_, line)| line).collect()
    }

    /// Changes a setting, for everything that starts from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(setup::variable(name), value.to_owned());
    }

    /// The key that seals its secrets.
    pub fn secret_key(&self) -> &str {
        self.environment.get("SLUICE__SECURITY__SECRET_KEY").map_or("", String::as_str)
    }

    /// A folder that goes when the world ends.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.directory.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The folder in which workers spool.
    pub fn spool(&self) -> PathBuf {
        self.directory.path().join("spool")
    }

    /// The folder in which programs put what they need for a moment.
    pub fn temporary(&self) -> PathBuf {
        self.directory.path().join("tmp")
    }

    /// The programs that work in the spool at this moment.
    pub fn downloads(&self) -> Vec<String> {
        leftovers::processes(&self.spool())
            .into_iter()
            .map(|(_, line)| line)
            .filter(|line| !line.contains("sluice-worker"))
            .collect()
    }

    async fn spawn(&self, name: &str, program: &str) -> Result<Process> {
        Process::start(self.directory.path(), self.launch(name, program)?).await
    }

    fn launch(&self, name: &str, program: &str) -> Result<Launch> {
        Ok(Launch {
            name: name.to_owned(),
            program: binary(program)?,
            arguments: Vec::new(),
            environment: self.environment.clone(),
            announces: true,
        })
    }
}
