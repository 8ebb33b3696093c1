//! From settings to a running worker: connect, check the programs, take jobs until told to stop.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use sluice_dropbox::Tuning;
use sluice_egress::{Egress, READ_BYTES};
use sluice_queue::{WorkerConfig, run_workers};
use sluice_runtime::{Boot, Settings, health};
use sluice_source::{Routes, RoutesConfig, Tools, ToolsConfig, UPLOAD_WINDOW, extractor};
use sluice_store::Store;

use crate::handler::JobHandler;

/// How long readiness waits for Redis.
const READY_PATIENCE: Duration = Duration::from_secs(2);

/// Runs until told to stop.
pub(crate) async fn run(boot: Boot) -> anyhow::Result<()> {
    let settings = &boot.settings;
    let egress = sluice_wiring::egress(settings);
    let starting = async {
        let store = connect(settings).await?;
        let handler = handler(settings, store.clone(), &egress).await?;
        Ok::<_, anyhow::Error>((store, handler))
    };
    let (store, handler) = tokio::select! {
        started = starting => started?,
        () = boot.shutdown.cancelled() => return Ok(()),
    };
    let queue = sluice_wiring::queue(settings, store.clone());
    let bound = match settings.worker.health_bind {
        Some(bind) => Some(
            health::serve(bind, ready(&store), figures(egress), boot.shutdown.clone())
                .await
                .context("worker.health_bind")?,
        ),
        None => None,
    };
    boot.announce(bound)?;
    let worker = WorkerConfig {
        worker_id: sluice_wiring::process_name(),
        concurrency: settings.worker.concurrency as usize,
        drain: settings.worker.drain,
        ..WorkerConfig::default()
    };
    run_workers(queue, worker, Arc::new(handler), boot.shutdown.clone()).await?;
    Ok(())
}

async fn connect(settings: &Settings) -> anyhow::Result<Store> {
    // A worker has nothing better to do than to wait for Redis.
    let store = Store::connect(sluice_wiring::store_config(settings, Duration::MAX)).await?;
    store.migrate().await?;
    Ok(store)
}

async fn handler(settings: &Settings, store: Store, egress: &Egress) -> anyhow::Result<JobHandler> {
    let tools = Tools::find(ToolsConfig {
        extract_slots: settings.worker.extractions as usize,
        ..sluice_wiring::tools(settings, egress)
    })?;
    tools.try_out().await?;
    let routes = Routes::open(RoutesConfig {
        spool_dir: settings.worker.spool_dir.clone(),
        spool_bytes: settings.worker.spool_bytes,
        buffer_bytes: settings.worker.buffer_bytes,
        window_bytes: UPLOAD_WINDOW,
        read_bytes: READ_BYTES,
        tools: tools.clone(),
    })?;
    Ok(JobHandler {
        dropbox: sluice_wiring::dropbox(settings, Tuning::default(), store.clone())?,
        extractor: extractor(tools),
        routes,
        limits: settings.limits.domain(),
        playlist_items: settings.limits.playlist_items,
        store,
    })
}

/// What this worker decided about addresses, for its `/metrics`.
fn figures(egress: Egress) -> impl Fn() -> String + Send + Sync + 'static {
    move || sluice_wiring::egress_figures(&egress)
}

fn ready(
    store: &Store,
) -> impl Fn() -> futures::future::BoxFuture<'static, Result<(), String>> + Send + Sync + 'static {
    let store = store.clone();
    move || {
        let store = store.clone();
        Box::pin(async move {
            match tokio::time::timeout(READY_PATIENCE, store.ping()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("Redis does not answer".to_owned()),
            }
        })
    }
}
