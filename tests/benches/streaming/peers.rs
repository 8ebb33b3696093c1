//! What one would do without Sluice: yt-dlp, Dropbox's official SDK for Python, rclone; over the same lines, with the same certificates.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{connect_proxy::ConnectProxy, family, tools, world::World};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{io::AsyncReadExt as _, process::Command};

use crate::run::LIMIT;

const APP_KEY: &str = "peer";

/// The programs and what they need to know.
pub(crate) struct Peers {
    python: PathBuf,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    // rclone has no setting for Dropbox's hosts; it does obey HTTPS_PROXY.
    proxy: ConnectProxy,
}

/// One program of a pipeline.
pub(crate) struct Step {
    program: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
}

/// What a pipeline took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Peers {
    /// For the account called `name` of a world with TLS.
    pub(crate) async fn of(world: &World, name: &str) -> Result<Self> {
        let folder = world.scratch("peers")?;
        let host = world.emulator.address().strip_prefix("https://").context("no TLS")?.to_owned();
        let grant = world.emulator.grant(name, APP_KEY).await?;
        let refresh = grant["refresh_token"].as_str().context("a token")?;
        let root = world.authority()?.root().display().to_string();
        let mut environment = tools::environment();
        for name in ["DROPBOX_API_HOST", "DROPBOX_API_CONTENT_HOST", "DROPBOX_API_NOTIFY_HOST", "DROPBOX_WEB_HOST"] {
            environment.insert(name.into(), host.clone());
        }
        let own = [
            ("REQUESTS_CA_BUNDLE", root.as_str()),
            ("SSL_CERT_FILE", &root),
            ("HOME", folder.to_str().context("the path is not UTF-8")?),
            ("DROPBOX_APP_KEY", APP_KEY),
            ("DROPBOX_REFRESH_TOKEN", refresh),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let token = format!(
            "{{\"access_token\":\"x\",\"token_type\":\"bearer\",\"refresh_token\":\"{refresh}\",\"expiry\":\"2020-01-01T00:00:00Z\"}}"
        );
        let config = format!("[dbx]\ntype = dropbox\nclient_id = {APP_KEY}\nclient_secret = S\ntoken = {token}\n");
        std::fs::write(folder.join("rclone.conf"), config)?;
        Ok(Self { python: tools::python()?, folder, environment, proxy: ConnectProxy::start(&host).await? })
    }

    /// Where they put their files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// yt-dlp with the tests' plugin and nothing of the machine's own configuration.
    pub(crate) fn yt_dlp(&self, url: &str, more: &[&str]) -> Step {
        let plugins = tools::plugins().display().to_string();
        let common = ["-m", "yt_dlp", "--ignore-config", "--no-cache-dir", "--quiet", "--plugin-dirs", &plugins];
        // It would trust its own list of authorities otherwise.
        let trust = ["--compat-options", "no-certifi"];
        self.step(&self.python, &[&common[..], &trust, more, &["--", url]].concat())
    }

    /// yt-dlp that writes an MP4 which can be read from the start to its standard output.
    pub(crate) fn yt_dlp_to_stdout(&self, url: &str) -> Step {
        let mp4 = "ffmpeg_o:-f mp4 -movflags +frag_keyframe+empty_moov";
        self.yt_dlp(url, &["-o", "-", "--downloader-args", mp4])
    }

    /// A web server that gives its standard input to whoever asks first, on this port.
    pub(crate) fn web_server(&self, port: u16) -> Step {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/streaming/serve_stdin.py");
        self.step(&self.python, &["-I", script, &port.to_string()])
    }

    /// Dropbox's SDK: uploads `source`, or its standard input for `-`, in one upload session.
    pub(crate) fn sdk(&self, source: &str, name: &str) -> Step {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/streaming/sdk_upload.py");
        self.step(&self.python, &[script, source, &format!("/{name}")])
    }

    /// rclone that uploads its standard input.
    pub(crate) fn rclone(&self, name: &str) -> Step {
        let config = self.folder.join("rclone.conf").display().to_string();
        let mut step = self.step(Path::new("rclone"), &["--config", &config, "rcat", &format!("dbx:{name}")]);
        step.environment.insert("HTTPS_PROXY".into(), self.proxy.url.clone());
        step
    }

    fn step(&self, program: &Path, arguments: &[&str]) -> Step {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Step { program: program.to_owned(), arguments, environment: self.environment.clone() }
    }

    /// How long this program takes to give its first byte; then it is killed.
    pub(crate) async fn first_byte(&self, step: &Step) -> Result<Duration> {
        let begun = Instant::now();
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where this bench starts a peer that is not waited for"
        )]
        let mut command = Command::new(&step.program);
        command.args(&step.arguments).env_clear().envs(&step.environment).current_dir(&self.folder).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{} cannot be started", step.program.display()))?;
        let mut output = child.stdout.take().context("no output")?;
        let read = tokio::time::timeout(LIMIT, output.read_u8()).await.context("a peer takes too long")?;
        read.context("the peer gave nothing")?;
        let took = begun.elapsed();
        // Its ffmpeg would go on without it.
        if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        child.wait().await?;
        Ok(took)
    }

    /// Runs these programs, each with the output of the one before as its input. Nothing else may end meanwhile that this process started, or
    /// its processor time would be counted too.
    pub(crate) async fn run(&self, steps: &[Step]) -> Result<Took> {
        let (begun, cpu) = (Instant::now(), family::cpu_of_ended_children());
        let (mut running, mut input) = (Vec::new(), Stdio::null());
        for (place, step) in steps.iter().enumerate() {
            let log = std::fs::File::create(self.folder.join(format!("peer-{place}.log")))?;
            #[expect(clippy::disallowed_methods, reason = "the one place where this bench starts the peers")]
            let mut command = Command::new(&step.program);
            command.args(&step.arguments).env_clear().envs(&step.environment).current_dir(&self.folder);
            let last = place + 1 == steps.len();
            let output = if last { Stdio::null() } else { Stdio::piped() };
            command.stdin(std::mem::replace(&mut input, Stdio::null())).stdout(output).stderr(log).kill_on_drop(true);
            let mut child = command.spawn().with_context(|| format!("{} cannot be started", step.program.display()))?;
            if let Some(output) = child.stdout.take() {
                input = output.try_into()?;
            }
            running.push(child);
        }
        for (place, mut child) in running.into_iter().enumerate() {
            let status = tokio::time::timeout(LIMIT, child.wait()).await.context("a peer takes too long")??;
            let said = || std::fs::read_to_string(self.folder.join(format!("peer-{place}.log"))).unwrap_or_default();
            ensure!(status.success(), "{}: {status}\n{}", steps[place].program.display(), said());
        }
        Ok(Took { wall: begun.elapsed(), cpu: family::cpu_of_ended_children().saturating_sub(cpu) })
    }
}
