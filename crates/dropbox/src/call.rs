//! One call by the SDK over our own HTTP.
//!
//! The SDK's routes take a body as `Bytes` and hide the status, the headers and the body of an error. A [`Call`] stands in for the SDK's
//! client during one call: it puts in the streaming body and the right argument header, and remembers what really came back.
//! It sends once: the SDK's own repetition after an expired token would send an empty body.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use dropbox_sdk::{
    Error,
    async_client_trait::{HttpClient, HttpRequest, HttpRequestResultRaw, UserAuthClient},
};
use futures::{future::BoxFuture, io::Cursor};
use http::{HeaderName, HeaderValue, header};

use crate::wire::{self, Answer, Cut, Wire};

/// What goes out with a call beside its argument.
pub(crate) struct Outgoing {
    /// A body that streams; without one, the SDK's own goes out (the argument of an RPC route, or nothing).
    pub(crate) body: Option<reqwest::Body>,
    /// Ends when the call has taken too long.
    pub(crate) patience: BoxFuture<'static, ()>,
    /// Which connection it takes; zero unless it goes beside others on purpose.
    pub(crate) line: usize,
}

impl Outgoing {
    /// Nothing but the argument, for at most so long.
    pub(crate) fn nothing(patience: std::time::Duration) -> Self {
        Self { body: None, patience: Box::pin(tokio::time::sleep(patience)), line: 0 }
    }
}

/// What is known about a call after it.
pub(crate) enum Record {
    /// It never went out.
    Nothing,
    /// It went out; no usable answer.
    Cut(Cut),
    /// It was answered. The body is kept from status 400 on.
    Answered(Answer),
}

impl Record {
    /// The HTTP status, if there was one.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            Self::Nothing | Self::Cut(_) => None,
        }
    }
}

/// The SDK's client for one call.
pub(crate) struct Call<'w> {
    wire: &'w Wire,
    token: Arc<String>,
    argument: Option<HeaderValue>,
    line: usize,
    outgoing: Mutex<Option<Outgoing>>,
    record: Mutex<Record>,
}

impl<'w> Call<'w> {
    pub(crate) fn new(wire: &'w Wire, token: Arc<String>, argument: Option<HeaderValue>, outgoing: Outgoing) -> Self {
        let line = outgoing.line;
        Self { wire, token, argument, line, outgoing: Mutex::new(Some(outgoing)), record: Mutex::new(Record::Nothing) }
    }

    pub(crate) fn into_record(self) -> Record {
        self.record.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, record: Record) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = record;
    }
}

/// A request while the SDK dresses it.
pub(crate) struct Draft {
    request: reqwest::RequestBuilder,
    argument: Option<HeaderValue>,
}

impl HttpRequest for Draft {
    fn set_header(self, name: &str, value: &str) -> Self {
        let Ok(name) = HeaderName::try_from(name) else { return self };
        // The SDK's encoding is wrong beyond U+FFFF: ours goes out instead (see `argument`).
        let ours = self.argument.clone().filter(|_| name == "dropbox-api-arg");
        let Some(mut value) = ours.or_else(|| HeaderValue::try_from(value).ok()) else { return self };
        value.set_sensitive(name == header::AUTHORIZATION);
        Self { request: self.request.header(name, value), ..self }
    }
}

impl HttpClient for Call<'_> {
    type Request = Draft;

    async fn execute(&self, draft: Draft, given: Bytes) -> Result<HttpRequestResultRaw, Error> {
        let outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Outgoing { body, patience, .. }) = outgoing else {
            return Err(Error::HttpClient("a call goes out once".into()));
        };
        let request = match body {
            Some(body) => draft.request.body(body),
            // HTTP/1.1 would send no length at all for an empty body.
            None if given.is_empty() => draft.request.header(header::CONTENT_LENGTH, 0),
            None => draft.request.body(given),
        };
        match wire::send(request, patience).await {
            Ok(mut answer) => {
                let status = answer.status;
                let body = if status < 400 { std::mem::take(&mut answer.body) } else { answer.body.clone() };
                self.record(Record::Answered(answer));
                Ok(HttpRequestResultRaw {
                    status,
                    // Only download routes have one, and none is used here.
                    result_header: None,
                    content_length: None,
                    body: Box::new(Cursor::new(body)),
                })
            }
            Err(cut) => {
                let error = Error::HttpClient(cut.why.clone().into());
                self.record(Record::Cut(cut));
                Err(error)
            }
        }
    }

    fn new_request(&self, url: &str) -> Draft {
        Draft { request: self.wire.post(url, self.line), argument: self.argument.clone() }
    }

    fn token(&self) -> Option<Arc<String>> {
        Some(self.token.clone())
    }
}

impl UserAuthClient for Call<'_> {}
