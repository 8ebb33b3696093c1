//! A site that serves one file in ranges, over connections that stay open, and misbehaves on request.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// What a request asked for.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) path: String,
    /// In lower case.
    pub(super) headers: HashMap<String, String>,
    /// Counts connections.
    pub(super) connection: usize,
    /// Other answers that are on their way.
    pub(super) beside: usize,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn range(&self) -> Option<(usize, Option<usize>)> {
        let (from, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((from.parse().unwrap(), last.parse().ok()))
    }
}

/// What it is answered.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) framing: Framing,
    /// The body ends after so many bytes, like this.
    pub(super) cut: Option<(usize, End)>,
    /// Between pieces of 16 KiB.
    pub(super) pause: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length,
    Chunked,
    UntilClose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Close,
    Reset,
    Stall,
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        let (headers, body) = (Vec::new(), Vec::new());
        Self { status, headers, body, framing: Framing::Length, cut: None, pause: Duration::ZERO }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }
}

/// A file, as an orderly server serves it.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) bytes: Arc<[u8]>,
    pub(super) etag: Option<&'static str>,
}

impl File {
    pub(super) fn serve(&self, request: &Request) -> Reply {
        let (mut reply, total) = (Reply::status(200), self.bytes.len());
        if let Some(etag) = self.etag {
            reply = reply.with("ETag", etag);
        }
        let same = request.header("if-range").is_none_or(|validator| Some(validator) == self.etag);
        let Some((from, last)) = request.range().filter(|_| same) else {
            reply.body = self.bytes.to_vec();
            return reply;
        };
        if from >= total {
            return Reply::status(416).with("Content-Range", format!("bytes */{total}"));
        }
        let last = last.unwrap_or(total - 1).min(total - 1);
        reply.status = 206;
        reply.body = self.bytes[from..=last].to_vec();
        reply.with("Content-Range", format!("bytes {from}-{last}/{total}"))
    }

    /// All, however little was asked for.
    pub(super) fn whole(&self) -> Reply {
        Reply { body: self.bytes.to_vec(), ..Reply::status(200) }
    }
}

/// One way to misbehave, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Cut(usize),
    Reset(usize),
    Stall(usize),
    Status(u16),
    /// 429, or whatever, with `Retry-After: 1`.
    Later(u16),
    WrongStart,
    WrongTotal,
    WrongEtag,
    TooMuch,
    Gzip,
    Multipart,
    Page,
    IgnoresRange,
    Unsatisfiable,
}

impl Fault {
    fn spoil(self, reply: Reply, file: &File) -> Reply {
        let total = file.bytes.len();
        let cut = |at, end| Reply { cut: Some((at, end)), ..reply.clone() };
        match self {
            Self::Cut(at) => cut(at, End::Close),
            Self::Reset(at) => cut(at, End::Reset),
            Self::Stall(at) => cut(at, End::Stall),
            Self::Status(status) => Reply::status(status),
            Self::Later(status) => Reply::status(status).with("Retry-After", "1"),
            Self::WrongStart => {
                let last = reply.body.len();
                reply.with("Content-Range", format!("bytes 1-{last}/{total}"))
            }
            Self::WrongTotal => {
                let range =
                    reply.headers.iter().find(|(name, _)| *name == "Content-Range").map(|(_, range)| range.clone());
                reply.with(
                    "Content-Range",
                    range.unwrap_or_default().replace(&format!("/{total}"), &format!("/{}", total + 1)),
                )
            }
            Self::WrongEtag => reply.with("ETag", "\"other\""),
            Self::TooMuch => Reply { body: [&reply.body[..], b"more"].concat(), ..reply },
            Self::Gzip => reply.with("Content-Encoding", "gzip"),
            Self::Multipart => reply.with("Content-Type", "multipart/byteranges; boundary=x"),
            Self::Page => reply.with("Content-Type", "text/html; charset=utf-8"),
            Self::IgnoresRange => file.whole(),
            Self::Unsatisfiable => Reply::status(416).with("Content-Range", format!("bytes */{total}")),
        }
    }
}

type Handler = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A running site; it ends with the test's runtime.
pub(super) struct Site {
    pub(super) base: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// An answer on its way.
struct Answering(Arc<AtomicUsize>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Site {
    pub(super) async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, handler): (_, Arc<Handler>) = (requests.clone(), Arc::new(Box::new(handler)));
        let answering = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (seen, handler, answering) = (seen.clone(), handler.clone(), answering.clone());
                tokio::spawn(async move {
                    // A client that has gone is no fault of the test.
                    let _ = serve(stream, connection, &seen, &handler, &answering).await;
                });
            }
        });
        Self { base, requests }
    }

    /// Serves the file after these faults, one for each request after the probe.
    pub(super) async fn faulty(file: File, faults: Vec<Option<Fault>>) -> Self {
        let faults = Mutex::new(VecDeque::from(faults));
        Self::start(move |request| {
            let reply = file.serve(request);
            if request.header("range") == Some("bytes=0-0") {
                return reply;
            }
            match faults.lock().unwrap().pop_front().flatten() {
                Some(fault) => fault.spoil(reply, &file),
                None => reply,
            }
        })
        .await
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn ranges(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.header("range").unwrap_or("-").to_owned()).collect()
    }
}

async fn serve(
    stream: TcpStream,
    connection: usize,
    seen: &Mutex<Vec<Request>>,
    handler: &Handler,
    answering: &Arc<AtomicUsize>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let path = lines[0].split(' ').nth(1).unwrap().to_owned();
        let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let beside = answering.fetch_add(1, Ordering::SeqCst);
        let _answering = Answering(answering.clone());
        let request = Request { beside, path, headers: lines[1..].iter().filter_map(header).collect(), connection };
        seen.lock().unwrap().push(request.clone());
        if !answer(&mut stream, handler(&request)).await? {
            return Ok(());
        }
    }
}

/// Is the connection still good?
async fn answer(stream: &mut BufReader<TcpStream>, reply: Reply) -> io::Result<bool> {
    let mut head = format!("HTTP/1.1 {} Said\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &match reply.framing {
        Framing::Length => format!("Content-Length: {}\r\n\r\n", reply.body.len()),
        Framing::Chunked => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
        Framing::UntilClose => "Connection: close\r\n\r\n".to_owned(),
    };
    stream.write_all(head.as_bytes()).await?;
    let length = reply.cut.map_or(reply.body.len(), |(at, _)| at.min(reply.body.len()));
    for piece in reply.body[..length].chunks(16 * 1024) {
        if reply.framing == Framing::Chunked {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        stream.write_all(piece).await?;
        if reply.framing == Framing::Chunked {
            stream.write_all(b"\r\n").await?;
        }
        if !reply.pause.is_zero() {
            tokio::time::sleep(reply.pause).await;
        }
    }
    match reply.cut.filter(|(at, _)| *at < reply.body.len()) {
        None if reply.framing == Framing::Chunked => stream.write_all(b"0\r\n\r\n").await?,
        None => {}
        Some((_, End::Close)) => return Ok(false),
        Some((_, End::Reset)) => {
            stream.get_ref().set_zero_linger()?;
            return Ok(false);
        }
        // Ends when the client hangs up.
        Some((_, End::Stall)) => return stream.read(&mut [0]).await.map(|_| false),
    }
    Ok(reply.framing != Framing::UntilClose)
}
