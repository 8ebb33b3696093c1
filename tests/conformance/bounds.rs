//! Sizes at their edges, and the emulator's memory while big bodies pass.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::stream;
use serde_json::json;

use crate::practice::Practice;

const MAX_BODY: usize = 150 << 20;
/// Far below one body: the emulator holds pieces, not bodies.
const MEMORY_KIB: u64 = 64 << 10;

/// A body of zeros that nobody holds whole.
fn zeros(length: usize) -> reqwest::Body {
    const PIECE: usize = 1 << 20;
    let pieces = (0..length.div_ceil(PIECE))
        .map(move |at| Ok::<_, std::io::Error>(Bytes::from(vec![0; PIECE.min(length - at * PIECE)])));
    reqwest::Body::wrap_stream(stream::iter(pieces))
}

#[tokio::test]
async fn a_body_may_have_150_mib_and_not_a_byte_more() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    let append = async |offset: usize, length: usize| {
        let arg = json!({"cursor": {"session_id": id, "offset": offset}});
        practice.content("files/upload_session/append_v2", &arg, zeros(length)).await
    };
    ensure!(append(0, MAX_BODY).await?.said() == "200 null");
    let refused = append(MAX_BODY, MAX_BODY + 1).await?.said();
    ensure!(
        refused == r#"409 {"error_summary":"payload_too_large/","error":{".tag":"payload_too_large"}}"#,
        "{refused}"
    );
    ensure!(append(MAX_BODY, 1).await?.said() == "200 null", "the refused body left something behind");
    let size = u64::try_from(MAX_BODY)? + 1;
    ensure!(practice.finish(&id, size, "/big").await?.json()?["size"] == size);
    let peak = peak_memory_kib(&practice)?;
    ensure!(peak < MEMORY_KIB, "the emulator used {peak} KiB");
    Ok(())
}

/// The most memory that the emulator's process ever held.
fn peak_memory_kib(practice: &Practice) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", practice.emulator.process_id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
