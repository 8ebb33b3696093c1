//! A real browser: headless Chromium, driven over `WebDriver` as a person would use it.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::WebDriverCompatibleCommand};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::{
    eventually::eventually,
    tools::{self, repository},
};

/// What a person waits for before they think that it is broken.
const PATIENCE: Duration = Duration::from_secs(60);
const START: Duration = Duration::from_secs(30);

/// One window of a fresh profile.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Child,
    downloads: TempDir,
}

impl Browser {
    /// Opens a window of this size in CSS pixels.
    pub async fn open(width: u32, height: u32) -> Result<Self> {
        let (driver, port) = start_driver().await?;
        let downloads = tempfile::Builder::new().prefix("sluice-downloads-").tempdir()?;
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                format!("--window-size={width},{height}"),
            ],
            "prefs": { "download.default_directory": downloads.path(), "download.prompt_for_download": false },
            // A window cannot be narrower than about 500 px; a device can.
            "mobileEmulation": { "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0, "mobile": width < 600, "touch": width < 600 } },
        });
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object was written above") };
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities);
        let client = builder.connect(&format!("http://127.0.0.1:{port}")).await.context("chromium does not start")?;
        Ok(Self { client, driver, downloads })
    }

    /// Waits until a file of this name has been downloaded, and says where it lies. What is not whole yet has another name.
    pub async fn downloaded(&self, name: &str) -> Result<PathBuf> {
        let file = self.downloads.path().join(name);
        let waited = eventually("it is downloaded", PATIENCE, async || Ok(file.exists().then_some(()))).await;
        let there = || fs::read_dir(self.downloads.path()).map(|all| all.flatten().collect::<Vec<_>>());
        waited.with_context(|| format!("{name} is not there, but {:?}", there()))?;
        Ok(file)
    }

    /// Waits until a script's value is true.
    pub async fn becomes_true(&self, script: &str) -> Result<()> {
        let waited =
            eventually("it becomes true", PATIENCE, async || Ok((self.ask(script).await? == true).then_some(())));
        waited.await.with_context(|| script.to_owned())
    }

    /// Goes to an address.
    pub async fn go(&self, address: &str) -> Result<()> {
        Ok(self.client.goto(address).await?)
    }

    /// The address that is shown.
    pub async fn address(&self) -> Result<String> {
        Ok(self.client.current_url().await?.into())
    }

    /// Waits until an element is there.
    pub async fn find(&self, css: &str) -> Result<Element> {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.with_context(|| format!("no {css} on the page"))
    }

    /// Is such an element there now?
    pub async fn has(&self, css: &str) -> Result<bool> {
        Ok(!self.client.find_all(Locator::Css(css)).await?.is_empty())
    }

    /// Clicks it, once it is there. A live page may replace it in between: then the new one is clicked.
    pub async fn click(&self, css: &str) -> Result<()> {
        let clicked = eventually("it can be clicked", PATIENCE, async || match self.find(css).await?.click().await {
            Ok(()) => Ok(Some(())),
            Err(error) if error.is_stale_element_reference() => Ok(None),
            Err(error) => Err(error.into()),
        });
        clicked.await.with_context(|| format!("{css} cannot be clicked"))
    }

    /// Types into it.
    pub async fn type_into(&self, css: &str, text: &str) -> Result<()> {
        Ok(self.find(css).await?.send_keys(text).await?)
    }

    /// The text of an element as a person reads it.
    pub async fn text(&self, css: &str) -> Result<String> {
        Ok(self.find(css).await?.text().await?)
    }

    /// Waits until the element's text contains these words.
    pub async fn reads(&self, css: &str, words: &str) -> Result<()> {
        let mut last = String::new();
        let waited = eventually("the words appear", PATIENCE, async || {
            // A live page may replace an element between finding and reading it.
            match self.client.find(Locator::Css(css)).await {
                Ok(element) => last = element.text().await.unwrap_or_default(),
                Err(error) if error.is_no_such_element() => {}
                Err(error) => return Err(error.into()),
            }
            Ok(last.contains(words).then_some(()))
        });
        waited.await.with_context(|| format!("{css} should say {words:?}, it says {last:?}"))
    }

    /// Runs a script that returns a value.
    pub async fn ask(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(&format!("return {script}"), vec![]).await?)
    }

    /// Fails when the page is wider than the window, or anything was written to the console as an error.
    pub async fn is_sound(&self) -> Result<()> {
        let overflow = self.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth").await?;
        ensure!(overflow.as_i64() == Some(0), "the page is {overflow} px wider than the window");
        let log = self.client.issue_cmd(BrowserLog).await?;
        let bad = |entry: &&Value| entry["level"] == "SEVERE";
        let errors: Vec<&Value> = log.as_array().map(|log| log.iter().filter(bad).collect()).unwrap_or_default();
        ensure!(errors.is_empty(), "the console says {errors:#?}");
        Ok(())
    }

    /// Keeps a picture of the window below `target/screenshots`.
    pub async fn picture(&self, name: &str) -> Result<()> {
        let folder = screenshots();
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await?)?;
        Ok(())
    }

    /// Closes the window.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.clone().close().await?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(group) = self.driver.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}

/// Where pictures are kept.
fn screenshots() -> PathBuf {
    repository().join("target/screenshots")
}

/// Starts a driver on a free port and waits until it listens.
async fn start_driver() -> Result<(Child, u16)> {
    // Asked for port 0, it does not tell the right one where there is no IPv6.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let environment: BTreeMap<String, String> = tools::environment();
    #[expect(clippy::disallowed_methods, reason = "the one place where the harness starts a browser")]
    let mut command = Command::new("chromedriver");
    command.arg(format!("--port={port}")).env_clear().envs(environment).env("HOME", std::env::temp_dir());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).kill_on_drop(true);
    let mut driver = command.spawn().context("chromedriver is missing: `cargo xtask test` installs it")?;
    eventually("chromedriver listens", START, async || {
        if let Some(status) = driver.try_wait()? {
            bail!("chromedriver ended with {status} before it was ready");
        }
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok().map(drop))
    })
    .await?;
    Ok((driver, port))
}

/// Chromium's own command for what the page wrote to its console.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
