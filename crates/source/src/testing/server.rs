//! A server of one response per path, on a thread of its own.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What a path answers.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// These bytes, of this type, with their true length.
    Whole(&'static str, Vec<u8>),
    /// The same, and any range of them.
    Ranges(&'static str, Vec<u8>),
    /// These bytes in chunks, no length announced.
    Chunked(&'static str, Vec<u8>),
    /// This length is announced, but the connection closes after these bytes.
    CutOff(u64, Vec<u8>),
    /// The first answer breaks off in the middle of the first of these; from then on there is the second, of which any range is served.
    Replaced(&'static str, Vec<u8>, Vec<u8>),
    /// These bytes, with no length, until the connection closes.
    UntilClose(&'static str, Vec<u8>),
    /// So many bytes, announced, that are made up as they go.
    Announced(u64),
    /// Chunks of nothing in particular, for as long as anybody listens.
    Endless,
    /// A page that never ends.
    EndlessPage,
    /// A page of these bytes, compressed as they are.
    Gzip(Vec<u8>),
    /// A page that never ends, of which a byte comes now and then.
    Drips,
    /// These bytes of this type are sent, more are announced, and nothing comes any more.
    Stalls(&'static str, Vec<u8>),
    /// This status and no body.
    Status(u16),
    /// Redirects there.
    Redirect(String),
}

/// A running server; the thread ends with the tests.
pub(crate) struct TestServer {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    paths: Mutex<HashMap<String, Body>>,
    requests: Mutex<Vec<String>>,
    /// The paths whose answers are over.
    over: Mutex<Vec<String>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(State::default());
        let state = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state: server }
    }

    /// Makes a path answer like this.
    pub(crate) fn on(self, path: &str, body: Body) -> Self {
        self.state.paths.lock().unwrap().insert(path.to_owned(), body);
        self
    }

    /// Serves every file of a folder.
    pub(crate) fn folder(self, folder: &Path) -> Self {
        folder.read_dir().unwrap().flatten().fold(self, |server, file| {
            let name = file.file_name().into_string().unwrap();
            let kind = match name.rsplit('.').next() {
                Some("m3u8") => "application/vnd.apple.mpegurl",
                Some("mpd") => "application/dash+xml",
                _ => "video/mp4",
            };
            let bytes = std::fs::read(file.path()).unwrap();
            server.on(&format!("/{name}"), Body::Whole(kind, bytes))
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths that were asked for, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Waits until this path was asked for.
    pub(crate) async fn asked(&self, path: &str) {
        while !self.requests().iter().any(|asked| asked == path) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until an answer of this path is over: all sent, or the client gone.
    pub(crate) async fn hung_up(&self, path: &str) {
        while !self.state.over.lock().unwrap().iter().any(|over| over == path) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn serve(mut stream: TcpStream, state: &State) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let mut range = None;
    loop {
        let header = lines.next()?.ok()?.to_lowercase();
        if header.is_empty() {
            break;
        }
        range = header.strip_prefix("range: bytes=").map(str::to_owned).or(range);
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    state.requests.lock().unwrap().push(path.to_owned());
    let body = state.paths.lock().unwrap().get(path).cloned().unwrap_or(Body::Status(404));
    let body = match body {
        // Whoever only looks at the headers is not answered with a part of the file.
        Body::Replaced(kind, _, second) if method == "HEAD" => Body::Whole(kind, second),
        Body::Replaced(kind, first, second) => {
            state.paths.lock().unwrap().insert(path.to_owned(), Body::Ranges(kind, second));
            Body::CutOff(first.len() as u64, first[..first.len() / 2].to_vec())
        }
        body => body,
    };
    // A client that has gone is no fault of the test.
    let _ = answer(&mut stream, method == "HEAD", range.as_deref(), body);
    state.over.lock().unwrap().push(path.to_owned());
    Some(())
}

/// Sends what follows the headers.
type Rest = Box<dyn FnOnce(&mut TcpStream) -> io::Result<()>>;

fn answer(stream: &mut TcpStream, head: bool, range: Option<&str>, body: Body) -> io::Result<()> {
    let headers = |status: u16, more: &str| format!("HTTP/1.1 {status} Said\r\nConnection: close\r\n{more}\r\n\r\n");
    let of = |kind: &str, length: u64| headers(200, &format!("Content-Type: {kind}\r\nContent-Length: {length}"));
    let chunked = |kind: &str| headers(200, &format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked"));
    let (head_text, rest): (String, Rest) = match body {
        Body::Whole(kind, bytes) => (of(kind, bytes.len() as u64), Box::new(move |out| out.write_all(&bytes))),
        Body::Ranges(kind, mut bytes) => {
            let total = bytes.len();
            let (from, last) = range.and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
            let (from, end) =
                (from.parse().unwrap_or(0), last.parse().map_or(total, |last: usize| total.min(last + 1)));
            bytes = bytes.get(from..end).unwrap_or_default().to_vec();
            let of_all = format!("Content-Range: bytes {from}-{}/{total}", end - 1);
            let head =
                format!("Content-Type: {kind}\r\nContent-Length: {}\r\nETag: \"e{total}\"\r\n{of_all}", bytes.len());
            (headers(if range.is_some() { 206 } else { 200 }, &head), Box::new(move |out| out.write_all(&bytes)))
        }
        Body::Chunked(kind, bytes) => (
            chunked(kind),
            Box::new(move |out| bytes.chunks(4096).chain([&[][..]]).try_for_each(|part| chunk(out, part))),
        ),
        Body::UntilClose(kind, bytes) => {
            (headers(200, &format!("Content-Type: {kind}")), Box::new(move |out| out.write_all(&bytes)))
        }
        Body::Replaced(kind, _, bytes) => (of(kind, bytes.len() as u64), Box::new(move |out| out.write_all(&bytes))),
        Body::CutOff(length, bytes) => (of("video/mp4", length), Box::new(move |out| out.write_all(&bytes))),
        Body::Announced(length) => {
            (of("video/mp4", length), Box::new(move |out| loop_forever(|| out.write_all(&[0; 65536]))))
        }
        Body::Endless => (chunked("video/mp4"), Box::new(|out| loop_forever(|| chunk(out, &[0; 65536])))),
        Body::EndlessPage => {
            (chunked("text/html"), Box::new(|out| loop_forever(|| chunk(out, &b"<html><p>".repeat(8000)))))
        }
        Body::Gzip(bytes) => {
            (of("text/html\r\nContent-Encoding: gzip", bytes.len() as u64), Box::new(move |out| out.write_all(&bytes)))
        }
        Body::Drips => (
            chunked("text/html"),
            Box::new(|out| {
                loop_forever(|| {
                    thread::sleep(Duration::from_millis(100));
                    chunk(out, b" ")
                })
            }),
        ),
        Body::Stalls(kind, bytes) => (
            of(kind, 2 * bytes.len() as u64),
            Box::new(move |out| {
                out.write_all(&bytes)?;
                // Ends when the client hangs up.
                out.read(&mut [0]).map(|_| ())
            }),
        ),
        Body::Status(status) => (headers(status, "Content-Length: 0"), Box::new(|_| Ok(()))),
        Body::Redirect(to) => (headers(302, &format!("Content-Length: 0\r\nLocation: {to}")), Box::new(|_| Ok(()))),
    };
    stream.write_all(head_text.as_bytes())?;
    if head { Ok(()) } else { rest(stream) }
}

fn chunk(out: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    write!(out, "{:x}\r\n", bytes.len())?;
    out.write_all(bytes)?;
    out.write_all(b"\r\n")
}

fn loop_forever(mut step: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        step()?;
    }
}
