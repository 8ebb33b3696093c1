//! A proxy that everything goes out through: [`Gateway`](crate::Gateway) in a process of its own, on the border of a network that has no other way out.
//!
//! It looks names up and judges what they lead to; here only what needs no look-up is. What it said is told apart from what a site said: a tunnel is asked
//! for before any site is heard, and its word is in a header that no site's answer keeps on its way through it.

use std::{fmt, io, str::FromStr, time::Duration};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    ext::ReasonPhrase,
    header::{HOST, HeaderName},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url, form_urlencoded};

use crate::{
    BadRule, Reason, Refusal, Unreachable,
    limits::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, LOOKUP_TIMEOUT, MAX_HEAD_BYTES, MAX_HEADERS},
};

/// Where a proxy of ours says why there is no answer of a site: the word of a [`Reason`], [`UNKNOWN`] or [`UNREACHABLE`].
pub(crate) const VERDICT: HeaderName = HeaderName::from_static("sluice-egress");
/// The name has no address.
pub(crate) const UNKNOWN: &str = "unknown";
/// Nobody answers there, or the proxy has no room.
pub(crate) const UNREACHABLE: &str = "unreachable";
/// Where a gateway answers that it lives.
pub(crate) const HEALTH: &str = "/healthz";
/// Where a gateway says of `?host=&port=` whether it may be visited.
pub(crate) const JUDGE: &str = "/judge";

/// Who is asked only whether something may be visited has looked a name up at the most.
const JUDGE_TIMEOUT: Duration = LOOKUP_TIMEOUT.saturating_add(Duration::from_secs(2));

/// Bytes in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Where it is. Its name is looked up by the system, and not judged: the operator wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    host: Host,
    port: u16,
}

impl FromStr for Upstream {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let url = Url::parse(text).ok().filter(|url| {
            url.scheme() == "http" && url.username().is_empty() && url.password().is_none() && url.path() == "/"
        });
        let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
        let place = url.as_ref().and_then(|url| url.host().zip(url.port_or_known_default()));
        let (host, port) = place.filter(|(_, port)| *port > 0).ok_or_else(|| BadRule::Upstream(text.to_owned()))?;
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

impl Upstream {
    /// Does it answer?
    ///
    /// # Errors
    /// What it does instead.
    pub async fn answers(&self) -> io::Result<()> {
        let (response, _connection) = self.ask(Method::GET, HEALTH, JUDGE_TIMEOUT).await?;
        if response.status() == StatusCode::OK { Ok(()) } else { Err(io::Error::other(said(&response))) }
    }

    /// May this be visited? Who does not answer has not refused it.
    pub(crate) async fn judge(&self, host: &Host, port: u16) -> Result<(), Unreachable> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("host", &host.to_string())
            .append_pair("port", &port.to_string())
            .finish();
        let asked = self.ask(Method::GET, &format!("{JUDGE}?{query}"), JUDGE_TIMEOUT).await;
        let (response, _connection) = asked.map_err(Unreachable::Silent)?;
        verdict(response.headers(), host, port, || said(&response)).map_or(Ok(()), Err)
    }

    /// A connection to this place, which it has judged.
    pub(crate) async fn tunnel(&self, host: &Host, port: u16) -> Result<Box<dyn Stream>, Unreachable> {
        let asked = self.ask(Method::CONNECT, &format!("{host}:{port}"), ANSWER_TIMEOUT).await;
        let (response, _connection) = asked.map_err(Unreachable::Silent)?;
        let silent = |why: String| Unreachable::Silent(io::Error::other(why));
        if response.status() != StatusCode::OK {
            let unanswered = || silent(said(&response));
            return Err(verdict(response.headers(), host, port, || said(&response)).unwrap_or_else(unanswered));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| silent(self.of(&error.to_string())))?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    /// One request on a connection of its own, and the head of its answer.
    async fn ask(
        &self,
        method: Method,
        target: &str,
        patience: Duration,
    ) -> io::Result<(Response<Incoming>, AbortOnDropHandle<()>)> {
        let stream = self.connect().await?;
        // A request can differ from the links of people in nothing but its target, which is a host and a port.
        let request =
            Request::builder().method(method).uri(target).header(HOST, format!("{}:{}", self.host, self.port));
        let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
        let broken = |error: hyper::Error| io::Error::other(self.of(&error.to_string()));
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            let _ended = connection.with_upgrades().await;
        }));
        let answer = timeout(patience, sender.send_request(request)).await;
        let answer = answer.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, self.of("no answer in time")))?;
        Ok((answer.map_err(broken)?, connection))
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let dialling = async {
            match &self.host {
                Host::Domain(name) => TcpStream::connect((name.as_str(), self.port)).await,
                Host::Ipv4(address) => TcpStream::connect((*address, self.port)).await,
                Host::Ipv6(address) => TcpStream::connect((*address, self.port)).await,
            }
        };
        let connected =
            timeout(CONNECT_TIMEOUT, dialling).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(|error| io::Error::new(error.kind(), self.of(&error.to_string())))?;
        // A socket that is gone already says so when it is used.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// What went wrong with it, so that nobody takes it for the site.
    fn of(&self, what: &str) -> String {
        format!("the proxy upstream ({self}): {what}")
    }
}

/// Why a proxy of ours has no answer of this place, if it says so.
pub(crate) fn verdict(
    headers: &HeaderMap,
    host: &Host,
    port: u16,
    said: impl FnOnce() -> String,
) -> Option<Unreachable> {
    let error = || io::Error::other(said());
    Some(match headers.get(VERDICT)?.to_str().unwrap_or_default() {
        UNKNOWN => Unreachable::Unknown(error()),
        UNREACHABLE => Unreachable::Silent(error()),
        word => {
            let reason = Reason::named(word).unwrap_or(Reason::Upstream);
            Refusal { host: host.to_string(), port, reason }.into()
        }
    })
}

fn said(response: &Response<Incoming>) -> String {
    let phrase = response.extensions().get::<ReasonPhrase>().map(|phrase| String::from_utf8_lossy(phrase.as_bytes()));
    let phrase = phrase.as_deref().or(response.status().canonical_reason()).unwrap_or_default();
    format!("the proxy upstream says {} {phrase}", response.status().as_u16())
}

#[cfg(test)]
mod tests;
