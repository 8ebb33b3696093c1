//! A list as a child of the server hands it out, line by line.

use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use serde_json::{Map, Value};
use sluice_domain::Failure;
use tokio::sync::OwnedSemaphorePermit;

use super::{Word, server::Looking};
use crate::{
    Tools,
    classify::complaint,
    extract::lines::{Line, MAX_LINE_BYTES, Pace},
};

struct Running {
    child: Looking,
    pace: Pace,
    _slot: OwnedSemaphorePermit,
}

/// The entries that this child has to tell. Dropping them kills it.
pub(super) fn entries(
    tools: &Tools,
    child: Looking,
    slot: OwnedSemaphorePermit,
) -> BoxStream<'static, Result<Map<String, Value>, Failure>> {
    let running = Running { child, pace: Pace::new(tools.list_timeout, tools.extract_timeout), _slot: slot };
    let entries =
        stream::try_unfold(running, |mut running| async { Ok(running.next().await?.map(|entry| (entry, running))) });
    entries.into_stream().boxed()
}

impl Running {
    async fn next(&mut self) -> Result<Option<Map<String, Value>>, Failure> {
        let line = self.pace.keep(self.child.line(MAX_LINE_BYTES)).await?;
        if matches!(line, Line::TooLong) {
            return Ok(Some(Map::new()));
        }
        match Word::read(line).map_err(|failure| self.child.explain(failure))? {
            Word::Entry(entry) => Ok(Some(entry)),
            Word::End => Ok(None),
            Word::Error(error) => Err(self.child.explain(complaint(&error))),
            Word::Info(_) | Word::Missing | Word::List(_) => Err(Failure::internal("a list of something else")),
        }
    }
}
