//! The connection that survives outages: it dials again and repeats until the caller's patience ends.
//!
//! A command is repeated after a lost reply too, so **everything that goes through here must be harmless when it is executed twice**.
//! It refuses nothing else and knows no key.

use std::{fmt, sync::Arc, time::Duration};

use redis::{
    Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation,
    aio::{MultiplexedConnection, PubSub},
};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::{
    StoreError,
    lanes::{Answer, Lanes},
    master::Master,
    repeat::pause,
};

/// A reconnecting connection. Clones share it.
#[derive(Clone)]
pub struct Connection {
    lanes: Arc<Lanes>,
    patience: Duration,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may carry a password.
        f.debug_struct("Connection").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Connection {
    /// `prefix` is what every key begins with.
    pub(crate) fn new(url: &SecretString, prefix: &str, patience: Duration) -> Result<Self, StoreError> {
        Ok(Self { lanes: Arc::new(Lanes::new(Master::new(url, prefix)?)), patience })
    }

    /// How the server is found, for people; nothing when its address stands in `redis.url`.
    pub(crate) fn found_through(&self) -> Option<&'static str> {
        self.lanes.master().found_through()
    }

    /// The same connection with another patience: how long an outage is waited out before [`StoreError::Unavailable`].
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        Self { lanes: self.lanes.clone(), patience }
    }

    /// How long an outage is waited out.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Runs a command that is harmless when executed twice.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the patience ends, [`StoreError::Refused`] when Redis refuses for good.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.repeat(self.lanes.turn(), |mut lane| async move { command.query_async(&mut lane).await }).await
    }

    /// Runs a pipeline that is harmless when executed twice.
    ///
    /// # Errors
    /// As [`Connection::run`].
    pub async fn pipe<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        self.repeat(self.lanes.turn(), |mut lane| async move { pipeline.query_async(&mut lane).await }).await
    }

    /// Runs a script that is harmless when executed twice. It is loaded where it is missing.
    ///
    /// # Errors
    /// As [`Connection::run`].
    pub async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.repeat(self.lanes.turn(), |mut lane| async move { script.invoke_async(&mut lane).await }).await
    }

    /// A connection of its own for listening to these channels, dialled once: whoever listens must notice its end and come again.
    ///
    /// # Errors
    /// The fault of the dial, whatever the patience.
    pub async fn listen(&self, channels: &[String]) -> Result<PubSub, StoreError> {
        let begun = Instant::now();
        let dialled = Box::pin(self.lanes.listen(channels)).await;
        dialled.map_err(|last| StoreError::Unavailable { waited: begun.elapsed(), last })
    }

    /// Asks on this lane until there is an answer or the patience ends.
    pub(crate) async fn repeat<T, Asked>(
        &self,
        lane: usize,
        ask: impl Fn(MultiplexedConnection) -> Asked,
    ) -> Result<T, StoreError>
    where
        Asked: Future<Output = RedisResult<T>>,
    {
        let begun = Instant::now();
        // `None` for a patience beyond all clocks.
        let deadline = begun.checked_add(self.patience);
        let mut tries = 0;
        let mut last = "no answer".to_owned();
        loop {
            // Boxed, or every future that waits for Redis would carry the client's.
            let asked = Box::pin(self.lanes.ask(lane, &ask));
            let answer = match deadline {
                // Redis may be there and not answer: that ends the patience too.
                Some(deadline) => tokio::time::timeout_at(deadline, asked).await,
                None => Ok(asked.await),
            };
            match answer {
                Ok(Answer::Done(answer)) => return Ok(answer),
                Ok(Answer::Refused(error)) => return Err(error.into()),
                Ok(Answer::Away(fault)) => last = fault,
                // What an earlier try met says more than that this one was cut short.
                Err(_) => {}
            }
            let next = Instant::now() + pause(tries, &mut rand::rng());
            if deadline.is_some_and(|deadline| next > deadline) {
                return Err(StoreError::Unavailable { waited: begun.elapsed(), last });
            }
            tokio::time::sleep_until(next).await;
            tries = tries.saturating_add(1);
        }
    }
}
