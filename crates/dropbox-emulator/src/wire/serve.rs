//! Connections: HTTP/1.1 and HTTP/2 on one port, with or without TLS, each of which a fault can cut.
//!
//! A request is carried out by a task of its own: once its body is in, it takes effect although the client has gone,
//! as at the real service. Refuses more connections than it has room for by letting them wait.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::settings::TlsFiles;
use crate::wire::answer::Answer;
use crate::wire::pace::Bucket;

const CONNECTIONS: usize = 1024;
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADER_TIME: Duration = Duration::from_secs(60);
/// How long connections may take to end after a stop.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a handler knows about the connection that a request came on.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) is_tls: bool,
    /// What has gone over it.
    pub(crate) bucket: Arc<Bucket>,
    /// Ends the whole connection, with every request on it.
    pub(crate) sever: CancellationToken,
}

/// No answer: the connection (HTTP/1.1) or the stream (HTTP/2) breaks off.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// Reads the certificate and offers HTTP/2 and HTTP/1.1.
pub(crate) fn tls(files: &TlsFiles) -> Result<TlsAcceptor, Error> {
    let said = |e: &dyn fmt::Display| Error::Tls(e.to_string());
    let chain: Vec<_> = CertificateDer::pem_file_iter(&files.cert)
        .and_then(|certificates| certificates.collect())
        .map_err(|e| Error::Tls(format!("{}: {e}", files.cert.display())))?;
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|e| Error::Tls(format!("{}: {e}", files.key.display())))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| said(&e))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| said(&e))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves `handle` until `stop`.
pub(crate) async fn serve<H, F>(listener: TcpListener, tls: Option<TlsAcceptor>, stop: CancellationToken, handle: H)
where
    H: Fn(Request<Incoming>, Connection) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answer, Cut>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async { (Arc::clone(&room).acquire_owned().await, listener.accept().await) } => accepted,
        };
        let (Ok(place), Ok((stream, peer))) = accepted else { continue };
        let _no_delay = stream.set_nodelay(true);
        let connection = Connection { peer, is_tls: tls.is_some(), bucket: Arc::default(), sever: stop.child_token() };
        let (tls, handle) = (tls.clone(), handle.clone());
        open.spawn(async move {
            match tls {
                None => converse(stream, connection, handle).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                        converse(stream, connection, handle).await;
                    }
                }
            }
            drop(place);
        });
    }
    open.close();
    let _elapsed = tokio::time::timeout(FAREWELL, open.wait()).await;
}

async fn converse<S, H, F>(stream: S, connection: Connection, handle: H)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request<Incoming>, Connection) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answer, Cut>> + Send + 'static,
{
    let sever = connection.sever.clone();
    let service = service_fn(move |request| {
        let running = tokio::spawn(handle(request, connection.clone()));
        // A handler that panicked gives no answer either.
        async move { running.await.unwrap_or(Err(Cut)) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024)
        .max_frame_size(64 * 1024);
    tokio::select! {
        () = sever.cancelled() => {}
        ended = server.serve_connection(TokioIo::new(stream), service) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "Connection ended");
            }
        }
    }
}
