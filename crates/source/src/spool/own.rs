//! The site's own file, fetched by ourselves. What goes on after a cut is the same file, or ends.

use std::sync::Arc;

use futures::TryStreamExt;
use sluice_domain::{Failure, FailureKind, Length};
use sluice_transfer::{Gate, Source, Watched};
use tokio::{fs::File, io::AsyncWriteExt};

use super::{directory::FetchDirectory, download::Arrived, order::Order};

/// How often it is asked whether there is room for more, in bytes.
const LOOK_EVERY: u64 = 4 << 20;

/// Writes all of it into the directory.
pub(super) async fn fetch(
    source: Arc<dyn Source>,
    order: &Order,
    extension: &str,
    directory: &FetchDirectory,
    gate: &Gate,
) -> Result<Arrived, Failure> {
    let announced = match source.length() {
        Length::Exact(bytes) => Some(bytes),
        Length::Estimate(_) | Length::Unknown => None,
    };
    if let Some(bytes) = announced {
        if order.in_part {
            directory.expect(bytes.saturating_mul(2))?;
        } else {
            gate.announced(bytes)?;
            directory.expect(bytes)?;
            gate.expect(Length::Exact(bytes));
        }
    }
    let broken = |error: std::io::Error| Failure::internal(format!("spool: {error}"));
    let path = directory.media().join(format!("media{}", plain(extension)));
    let mut file = File::create_new(&path).await.map_err(broken)?;
    let source = if order.in_part { source } else { Arc::new(Watched::new(source, gate.clone())) };
    let mut stream = gate.guard(source.open(0, None)).await?;
    let (mut bytes, mut next_look) = (0, 0);
    while let Some(chunk) = gate.guard(stream.try_next()).await? {
        bytes += chunk.len() as u64;
        if order.in_part {
            gate.came_by(bytes);
        }
        if bytes >= next_look {
            directory.taken(bytes)?;
            next_look = bytes + LOOK_EVERY;
        }
        file.write_all(&chunk).await.map_err(broken)?;
    }
    // What is written is in the kernel's hands only after this.
    file.flush().await.map_err(broken)?;
    directory.taken(bytes)?;
    if bytes == 0 {
        return Err(Failure::new(FailureKind::BadLink, "an empty file"));
    }
    Ok(Arrived { path, bytes, announced })
}

/// With a dot; nothing where the site says nothing that is fit for a name.
fn plain(extension: &str) -> String {
    const LONGEST: usize = 16;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fit = (1..=LONGEST).contains(&extension.len()) && extension.bytes().all(plain);
    if fit { format!(".{extension}") } else { String::new() }
}
