//! Answers that count only once replicas have them too: replication does not wait for anybody by itself.
//!
//! `WAIT` (<https://redis.io/docs/latest/commands/wait/>) speaks of the writes **of the connection that asks**, so script and `WAIT` share one, which is
//! never dialled again in between: a new master would gladly confirm what it never had. A script that finds its work done writes nothing, and
//! there would be nothing to wait for, although no replica may have what it found. So something is always written after it: replicas take
//! writes in their order, and who has the last one has all before it.
//!
//! It refuses to undo anything: what too few replicas have is done all the same.

use std::time::Duration;

use redis::{
    FromRedisValue, RedisError, RedisResult, ScriptInvocation, aio::MultiplexedConnection, make_extension_error, pipe,
};

use crate::{Store, StoreError, connection::Connection, lanes::Lanes, millis};

/// The longest that the replicas are waited for at once. A line that waits answers nothing else.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Store {
    /// Runs a script that is harmless when executed twice, and returns its answer once `replicas` replicas have what it wrote or found. With 0
    /// it is [`Connection::script`].
    ///
    /// # Errors
    /// As [`Connection::script`]; [`StoreError::Unavailable`] too when fewer replicas have it in time. Then the script has been executed: the
    /// same call again is answered as soon as the replicas are there.
    pub async fn script_on_replicas<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        replicas: u32,
    ) -> Result<T, StoreError> {
        let connection = self.connection();
        if replicas == 0 {
            return connection.script(script).await;
        }
        let marker = self.keys().replicated();
        connection
            .repeat(Lanes::FOR_REPLICAS, |mut lane| {
                let marker = &marker;
                async move {
                    let answer = script.invoke_async(&mut lane).await?;
                    confirm(&mut lane, connection, replicas, marker).await?;
                    Ok(answer)
                }
            })
            .await
    }
}

/// Waits until so many replicas have everything that this line was answered so far.
async fn confirm(
    line: &mut MultiplexedConnection,
    connection: &Connection,
    replicas: u32,
    marker: &str,
) -> RedisResult<()> {
    // To wait for no time at all is to wait for ever.
    let wait = millis(LONGEST_WAIT.min(connection.patience())).max(1);
    let asked: RedisResult<(u32,)> =
        pipe().cmd("SET").arg(marker).arg("").ignore().cmd("WAIT").arg(replicas).arg(wait).query_async(line).await;
    let few = |what: String| make_extension_error("NOREPLICAS".to_owned(), Some(what));
    match asked {
        Ok((have,)) if have >= replicas => Ok(()),
        Ok((have,)) => Err(few(format!("{have} have it, redis.replicas asks for {replicas}"))),
        // It has become a replica since the write: nothing else can be wrong with this command.
        Err(error) if is_plain(&error) => Err(few(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Nothing but a fault without a code of its own?
fn is_plain(error: &RedisError) -> bool {
    let faults = error.clone().into_server_errors();
    faults.is_some_and(|faults| faults.iter().all(|(_, fault)| fault.code() == "ERR"))
}
