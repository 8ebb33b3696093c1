//! A connection that tells when all was handed to the kernel, so that a cut comes behind the byte it was asked for.
//! Without it hyper would drop a broken response together with what it had not written yet.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
};

use super::line::Bucket;

/// What a response knows of the connection that it goes out on.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts flushes: hyper flushes only once its own buffer is empty.
    flushes: watch::Sender<u64>,
    resets: AtomicBool,
    bucket: Bucket,
}

impl Wire {
    /// Waits for the next flush, which hyper makes whenever a body has nothing ready.
    pub(super) async fn flushed(&self) {
        // An error would mean that the sender is gone, and we hold one.
        let _ = self.0.flushes.subscribe().changed().await;
    }

    /// From now on the connection ends in a reset (RST), which takes along what the kernel has not sent yet.
    pub(super) fn will_reset(&self) {
        self.0.resets.store(true, Ordering::Relaxed);
    }

    /// What has gone over this connection.
    pub(super) fn bucket(&self) -> &Bucket {
        &self.0.bucket
    }
}

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) wire: Wire,
}

impl Connection {
    fn resets(&self) -> bool {
        self.wire.0.resets.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        if result.is_ready() {
            self.wire.0.flushes.send_modify(|count| *count += 1);
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A farewell (FIN) before the reset would look like an end.
        if self.resets() { Poll::Ready(Ok(())) } else { Pin::new(&mut self.stream).poll_shutdown(cx) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.resets() {
            // A socket that cannot be told so is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}
