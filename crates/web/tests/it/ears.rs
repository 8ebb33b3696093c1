//! Listening to an event stream as a page or a program does.

use futures::StreamExt as _;
use serde_json::Value;

use crate::house::{PATIENCE, Person};

/// An event stream, read event by event.
pub(crate) struct Ears(std::pin::Pin<Box<dyn futures::Stream<Item = String> + Send>>, String);

impl Ears {
    pub(crate) async fn of(person: &Person, path: &str) -> Self {
        let answer = person.get(path).await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
        let chunks = answer.bytes_stream().take_while(|chunk| std::future::ready(chunk.is_ok()));
        Self(Box::pin(chunks.map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap())), String::new())
    }

    /// The next event and its data; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some(end) = self.1.find("\n\n") {
                let block: String = self.1.drain(..end + 2).collect();
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(event), Some(data)) = (field("event: "), field("data: ")) {
                    return Some((event.to_owned(), serde_json::from_str(data).unwrap()));
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something is said in time")?;
            self.1.push_str(&chunk);
        }
    }
}
