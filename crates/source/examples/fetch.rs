//! Fetches a link into a file of this folder and says how: `cargo run -p sluice-source --example fetch -- URL [PRESET [ITEM]]`. Of a list, it
//! says the items; ITEM is the place of one that has no link of its own.
//!
//! The programs are found on PATH; `YT_DLP` and `PYTHON` name others, `PLUGINS` a folder with plugins.

use std::{env, error::Error, fs::File, io::Write, sync::Arc, time::Instant};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use sluice_domain::{ByteSize, Failure, Limits, Preset, SourceUrl, plan};
use sluice_source::{
    Extraction, Extractor, Found, Layout, Renew, Routes, RoutesConfig, Tools, ToolsConfig, UPLOAD_WINDOW, extractor,
};
use sluice_transfer::Gate;

/// The link, to be looked at again when its addresses expire.
struct Link {
    extractor: Arc<dyn Extractor>,
    url: SourceUrl,
    item: Option<u32>,
    gate: Gate,
}

#[async_trait]
impl Renew for Link {
    async fn renew(&self) -> Result<Extraction, Failure> {
        match self.extractor.extract(&self.url, self.item, &self.gate).await? {
            Found::Media(extraction) => Ok(extraction),
            Found::List(_) => Err(Failure::internal("a list now")),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut out, mut args) = (std::io::stdout(), env::args().skip(1));
    let url = args.next().ok_or("which link?")?.parse()?;
    let preset: Preset = args.next().as_deref().unwrap_or("best").parse()?;
    let item = args.next().map(|place| place.parse()).transpose()?;
    let program =
        |name: &str, default: String| env::var_os(name).and_then(|path| path.into_string().ok()).unwrap_or(default);
    let defaults = ToolsConfig::default();
    let tools = Tools::find(ToolsConfig {
        yt_dlp: program("YT_DLP", defaults.yt_dlp.clone()),
        python: program("PYTHON", defaults.python.clone()),
        plugin_dirs: env::var_os("PLUGINS").into_iter().map(Into::into).collect(),
        ..defaults
    })?;
    let dir = env::temp_dir().join("sluice-example");
    let (limits, extractor) = (Limits::default(), extractor(tools.clone()));
    let routes = Routes::open(RoutesConfig {
        spool_dir: dir,
        spool_bytes: ByteSize(20_000_000_000),
        buffer_bytes: ByteSize(64 << 20),
        window_bytes: UPLOAD_WINDOW,
        read_bytes: sluice_egress::READ_BYTES,
        tools,
    })?;
    let (gate, start) = (Gate::new(&limits), Instant::now());

    let extraction = match extractor.extract(&url, item, &gate).await? {
        Found::Media(extraction) => extraction,
        Found::List(mut list) => {
            writeln!(out, "{:?}  {list:?}", start.elapsed())?;
            while let Some(item) = list.items.next().await {
                writeln!(out, "{:?}  {:?}", start.elapsed(), item?)?;
            }
            return Ok(());
        }
    };
    writeln!(out, "{:?}  {} formats of {:?}", start.elapsed(), extraction.info.formats.len(), extraction.info.title)?;
    let plan = plan::plan(&extraction.info, preset, &limits, None)?;
    writeln!(out, "{:?}  {plan:?}", start.elapsed())?;
    let link = Arc::new(Link { extractor, url, item, gate: gate.clone() });
    let fetched = routes.fetch(&plan, &extraction, Layout::Hybrid, link, &gate).await?;
    writeln!(out, "{:?}  {fetched:?}", start.elapsed())?;
    let (mut file, mut stream) = (File::create(fetched.file_name.as_str())?, fetched.source.open(0, None).await?);
    while let Some(bytes) = stream.try_next().await? {
        file.write_all(&bytes)?;
        fetched.source.release(gate.counts().0);
    }
    writeln!(out, "{:?}  {}", start.elapsed(), ByteSize(gate.counts().0))?;
    Ok(())
}
