//! A house for one test: Redis, web server, one worker. Everything in it ends with it.

use std::{
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Client, Response, redirect::Policy};
use secrecy::ExposeSecret as _;
use sluice_domain::{AccountId, Folder, Job, JobId, JobState, Preset};
use sluice_queue::{Queue, QueueConfig, WorkerConfig, run_workers};
use sluice_runtime::Settings;
use sluice_store::{Account, Store, StoreConfig};
use sluice_web::App;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{dropbox::Dropbox, script::Script};

/// Longer than anything here takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: &str = "a-key-that-only-the-tests-of-the-web-server-use";

pub(crate) struct House {
    pub(crate) base: String,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) stop: CancellationToken,
    pub(crate) redis: Redis,
    dir: TempDir,
}

/// A private redis-server.
pub(crate) struct Redis(Child);

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Somebody who is signed in.
pub(crate) struct Person {
    pub(crate) id: AccountId,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
    pub(crate) token: String,
    client: Client,
    base: String,
}

#[expect(clippy::disallowed_methods, reason = "the one place where these tests start a child")]
fn redis(dir: &Path) -> Redis {
    let child = std::process::Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--dir"])
        .arg(dir)
        .args(["--unixsocket", "redis.sock"])
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is on the PATH");
    Redis(child)
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With more settings (TOML).
    pub(crate) async fn with(more: &str) -> Self {
        // Port 9 (discard) refuses: no Dropbox is needed here, and the pages must not wait for one.
        Self::at("http://127.0.0.1:9", more).await
    }

    /// With this Dropbox.
    pub(crate) async fn beside(dropbox: &Dropbox) -> Self {
        Self::at(&dropbox.base, "").await
    }

    async fn at(dropbox: &str, more: &str) -> Self {
        sluice_runtime::install_crypto();
        let dir = tempfile::tempdir().unwrap();
        let redis = redis(dir.path());
        let url = format!("redis+unix://{}", dir.path().join("redis.sock").display());
        let config = dir.path().join("sluice.toml");
        let text = format!(
            "[redis]\nurl = '{url}'\n[security]\nsecret_key = '{SECRET}'\n[dropbox]\napp_key = 'k'\n\
             api_url = '{dropbox}'\ntoken_url = '{dropbox}/oauth2/token'\n{more}"
        );
        // The tests' sites are on this machine.
        let text = if text.contains("[egress]") { text } else { format!("[egress]\nallow = ['127.0.0.0/8']\n{text}") };
        let text = if text.contains("[server]") { text } else { format!("[server]\nbind = '127.0.0.1:0'\n{text}") };
        std::fs::write(&config, text).unwrap();
        let settings = Settings::load(Some(&config)).unwrap();

        let stop = CancellationToken::new();
        let app = App::build(&settings, stop.clone()).await.unwrap();
        let base = format!("http://{}", app.bound());
        tokio::spawn(app.run());
        let store = Store::connect(StoreConfig {
            url: url.into(),
            namespace: settings.redis.namespace.clone(),
            secret_key: SECRET.into(),
            patience: Duration::from_secs(5),
        });
        let store = store.await.unwrap();
        let queue = Queue::new(store.clone(), QueueConfig { user_running: 20, ..QueueConfig::default() });
        Self { base, store, queue, stop, redis, dir }
    }

    /// Starts a worker whose jobs follow the script in their links.
    pub(crate) fn work(&self) {
        self.work_with(20);
    }

    /// A worker that takes so many jobs at once.
    pub(crate) fn work_with(&self, concurrency: usize) {
        let (queue, stop) = (self.queue.clone(), self.stop.clone());
        tokio::spawn(async move {
            let config = WorkerConfig { concurrency, drain: Duration::ZERO, ..WorkerConfig::default() };
            Box::pin(run_workers(queue, config, std::sync::Arc::new(Script), stop)).await
        });
    }

    pub(crate) async fn sign_in(&self, name: &str) -> Person {
        self.sign_in_as(&format!("dbid:{name}"), name, "refresh").await
    }

    /// Somebody whose account is connected to this Dropbox.
    pub(crate) async fn connect(&self, dropbox: &Dropbox) -> Person {
        let (id, refresh_token) = dropbox.connect().await;
        self.sign_in_as(&id, "Ada", &refresh_token).await
    }

    async fn sign_in_as(&self, id: &str, name: &str, refresh_token: &str) -> Person {
        let id: AccountId = id.parse().unwrap();
        let account = Account {
            id: id.clone(),
            display_name: name.to_owned(),
            email: format!("{name}@example.com"),
            refresh_token: refresh_token.into(),
            scopes: Vec::new(),
            connected_at: Timestamp::now(),
            disconnected: false,
            folder: Folder::default(),
            preset: Preset::Best,
        };
        self.store.accounts().put(&account).await.unwrap();
        let session = self.store.sessions().create(&id).await.unwrap();
        let csrf = self.store.sessions().get(session.expose_secret()).await.unwrap().unwrap().csrf;
        let (token, _) = self.store.tokens().create(&id, "test").await.unwrap();
        let cookie = format!("sluice_session={}", session.expose_secret());
        let token = token.expose_secret().to_owned();
        Person { id, cookie, csrf, token, client: client(), base: self.base.clone() }
    }

    /// Somebody who is not.
    pub(crate) fn stranger(&self) -> Person {
        let (cookie, csrf, token) = (String::new(), String::new(), String::new());
        Person { id: "dbid:nobody".parse().unwrap(), cookie, csrf, token, client: client(), base: self.base.clone() }
    }

    /// Waits until the job is in this state.
    pub(crate) async fn until(&self, person: &Person, id: &JobId, state: JobState) -> Job {
        self.until_is(person, id, state.as_str(), |job| job.state == state).await
    }

    /// Waits until the job is as it should be.
    pub(crate) async fn until_is(&self, person: &Person, id: &JobId, what: &str, is: impl Fn(&Job) -> bool) -> Job {
        let wait = async {
            let mut events = std::pin::pin!(self.queue.events(&person.id));
            loop {
                let job = self.queue.get(&person.id, id).await.unwrap().expect("the job is there");
                if is(&job) {
                    return job;
                }
                futures::StreamExt::next(&mut events).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("the job never was so: {what}"))
    }

    /// Ends Redis, as a crash would.
    pub(crate) fn crash_redis(&mut self) {
        let _ = self.redis.0.kill();
        let _ = self.redis.0.wait();
        let _ = std::fs::remove_file(self.dir.path().join("redis.sock"));
    }
}

fn client() -> Client {
    Client::builder().redirect(Policy::none()).timeout(PATIENCE).build().unwrap()
}

impl Person {
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.base)).header("cookie", &self.cookie).send().await.unwrap()
    }

    /// Posts a form with this person's token.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut fields = fields.to_vec();
        fields.push(("csrf", &self.csrf));
        self.post_plainly(path, &fields).await
    }

    /// Posts a form as it is.
    pub(crate) async fn post_plainly(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        request.form(fields).send().await.unwrap()
    }

    /// Calls the API.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<serde_json::Value>) -> Response {
        let request = self.client.request(method.parse().unwrap(), format!("{}/api/v1{path}", self.base));
        let request = request.bearer_auth(&self.token);
        match body {
            Some(body) => request.json(&body).send().await.unwrap(),
            None => request.send().await.unwrap(),
        }
    }

    /// Sends a link through the form; the newest job.
    pub(crate) async fn send(&self, house: &House, link: &str) -> JobId {
        let sent = self.post("/jobs", &[("url", link)]).await;
        assert_eq!(sent.status(), 303, "{}", text(sent).await);
        let query = sluice_queue::RecentsQuery { limit: 1, ..Default::default() };
        house.queue.recents(&self.id, query).await.unwrap().items[0].id.clone()
    }
}

/// The body, whatever it is.
#[expect(clippy::disallowed_methods, reason = "answers of our own server, in a test")]
pub(crate) async fn text(response: Response) -> String {
    response.text().await.unwrap()
}

/// The body as JSON.
pub(crate) async fn json(response: Response) -> serde_json::Value {
    serde_json::from_str(&text(response).await).unwrap()
}

/// Where a redirect leads.
pub(crate) fn location(response: &Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}
