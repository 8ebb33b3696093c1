//! Asking several servers the same thing at once: one that is dead without a word must not hold up the answer of the others.

use redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisResult, aio::MultiplexedConnection};
use tokio::task::JoinSet;

use super::{ASK_TIMEOUT, told};

/// Asks all of them; the answers come as they arrive. Dropping it ends the questions.
pub(super) fn all<T, Asked>(
    servers: impl IntoIterator<Item = ConnectionInfo>,
    ask: impl Fn(MultiplexedConnection) -> Asked + Clone + Send + Sync + 'static,
) -> JoinSet<(ConnectionInfo, Result<T, String>)>
where
    T: Send + 'static,
    Asked: Future<Output = RedisResult<T>> + Send,
{
    let mut asked = JoinSet::new();
    for server in servers {
        let ask = ask.clone();
        asked.spawn(async move {
            let answer = async {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(ASK_TIMEOUT))
                    .set_response_timeout(Some(ASK_TIMEOUT));
                let client = Client::open(server.clone())?;
                ask(client.get_multiplexed_async_connection_with_config(&config).await?).await
            };
            let answer = match tokio::time::timeout(ASK_TIMEOUT, answer).await {
                Ok(answer) => answer.map_err(|error| told(&server, error)),
                Err(_) => Err(told(&server, "no answer in time")),
            };
            (server, answer)
        });
    }
    asked
}
