//! How a plan is carried out: by its route, or by the next safer one where the bytes turn out to be of another kind.

use std::{path::PathBuf, sync::Arc};

use futures::future::try_join_all;
use sluice_domain::{ByteSize, Failure, FailureKind, FileName, Format, Plan, Protocol, Route, plan::Container};
use sluice_mux::{Hint, Layout};
use sluice_transfer::{Access, BufferBudget, BufferShare, Gate, Source, Watched};

use crate::{
    Extraction, Renew, SourceError, Tools,
    cover::Cover,
    http::{Media, OpenError, Web},
    interleave::{self, Inputs, Refused},
    labels::Labels,
    pipe::{Native, Pipe, UPLOAD_WINDOW},
    spool::Spool,
};

/// The bytes of a plan, ready to be read.
pub struct Fetched {
    /// Where they are read from. Dropping it ends and removes whatever it takes up here.
    pub source: Arc<dyn Source>,
    /// The plan's name; with the real extension where the site did not say what it serves.
    pub file_name: FileName,
    /// The route that was taken in the end.
    pub route: Route,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetched")
            .field("file_name", &self.file_name)
            .field("route", &self.route)
            .field("length", &self.source.length())
            .finish_non_exhaustive()
    }
}

/// What the routes of one process may take up.
#[derive(Debug, Clone)]
pub struct RoutesConfig {
    /// Where files that must be whole are kept for a while; several processes may share it.
    pub spool_dir: PathBuf,
    /// What all of them may take up together.
    pub spool_bytes: ByteSize,
    /// What the buffers of all streams may take up together.
    pub buffer_bytes: ByteSize,
    /// How much of a stream that passes once is kept until whoever reads it has it, in bytes: [`UPLOAD_WINDOW`], or less for readers who never
    /// read anything again.
    pub window_bytes: u64,
    /// What is read at once from a connection to a site, in bytes: [`sluice_egress::READ_BYTES`] where there are many streams, more where
    /// one is to cost little time.
    pub read_bytes: usize,
    /// The programs.
    pub tools: Tools,
}

/// Every route that there is.
#[derive(Clone)]
pub struct Routes {
    web: Web,
    pipe: Pipe,
    spool: Spool,
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").field("spool", &self.spool).finish_non_exhaustive()
    }
}

/// One plan on its way.
pub(crate) struct Fetch<'a> {
    plan: &'a Plan,
    extraction: &'a Extraction,
    layout: Layout,
    web: &'a Web,
    media: Arc<Media>,
    gate: &'a Gate,
}

impl<'a> Fetch<'a> {
    pub(crate) fn new(
        web: &'a Web,
        plan: &'a Plan,
        extraction: &'a Extraction,
        renew: Arc<dyn Renew>,
        gate: &'a Gate,
    ) -> Self {
        let layout = Layout::Hybrid;
        Self { plan, extraction, layout, web, media: Arc::new(Media::new(extraction, renew)), gate }
    }

    /// With a pair of MP4 files laid out otherwise.
    fn laid_out(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// What the extractor says of the plan's formats.
    fn formats(&self) -> impl Iterator<Item = &Format> {
        let all = &self.extraction.info.formats;
        self.plan.formats.iter().filter_map(|id| all.iter().find(|format| format.format_id == *id))
    }

    async fn open(&self, format_id: &str) -> Result<Arc<dyn Source>, OpenError> {
        self.web.open(&self.media, format_id, self.gate).await
    }

    /// The site's own file.
    pub(crate) async fn file(&self) -> Result<Arc<dyn Source>, OpenError> {
        let [format] = &self.plan.formats[..] else { return Err(unsuitable("a plan of several formats")) };
        self.open(format).await
    }

    /// Two of its files, laid out as one.
    pub(crate) async fn pair(&self) -> Result<Arc<dyn Source>, OpenError> {
        let [video, audio] = &self.plan.formats[..] else { return Err(unsuitable("not a pair")) };
        let (video, audio) = futures::try_join!(self.open(video), self.open(audio))?;
        if video.access() != Access::Random || audio.access() != Access::Random {
            return Err(unsuitable("the site serves no ranges"));
        }
        let rate = self.formats().filter_map(|format| format.fps).fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        let frames_per_second = (rate > 0.0).then_some(rate.ceil().min(1000.0) as u32);
        let inputs = Inputs { video, audio };
        let opening = async {
            Ok(match self.plan.container {
                Container::Webm => interleave::open_webm(inputs).await,
                _ => interleave::open_mp4(inputs, self.layout, Hint { frames_per_second }).await,
            })
        };
        match self.gate.guard(Box::pin(opening)).await? {
            Ok(source) => Ok(source),
            Err(Refused::Unsuitable(why)) => Err(unsuitable(why.to_string())),
            Err(Refused::Failed(failure)) => Err(failure.into()),
        }
    }
}

impl Routes {
    /// The routes of one process. Sweeps out what dead processes left in the spool.
    ///
    /// # Errors
    /// When the spool cannot be opened, or the client for the web cannot be made.
    pub fn open(config: RoutesConfig) -> Result<Self, SourceError> {
        let RoutesConfig { spool_dir, spool_bytes, buffer_bytes, window_bytes, read_bytes, tools } = config;
        // A fourth for what comes before its turn, over several connections to a slow site; but one window there must be.
        let ahead = ByteSize(buffer_bytes.0.saturating_sub(UPLOAD_WINDOW).min(buffer_bytes.0 / 4));
        let windows = ByteSize(buffer_bytes.0 - ahead.0);
        Ok(Self {
            web: Web::new(tools.egress.clone(), ahead, read_bytes)?,
            pipe: Pipe::new(tools.clone(), BufferBudget::new(windows), window_bytes),
            spool: Spool::open(&spool_dir, spool_bytes, tools)?,
        })
    }

    /// Opens the plan's bytes, by the route that the plan names or, where that cannot serve, by the next safer one. What is fetched is
    /// reported to the gate; when the gate shuts, everything ends at once. `renew` is asked when addresses expire on the way. `layout` says how
    /// a pair of MP4 files is put together, where we do that ourselves.
    ///
    /// # Errors
    /// What went wrong, classified, or the gate's reason. Nothing is left behind then.
    pub async fn fetch(
        &self,
        plan: &Plan,
        extraction: &Extraction,
        layout: Layout,
        renew: Arc<dyn Renew>,
        gate: &Gate,
    ) -> Result<Fetched, Failure> {
        let fetch = Fetch::new(&self.web, plan, extraction, renew, gate).laid_out(layout);
        let mut route = plan.route;
        loop {
            let opened = match route {
                Route::Direct => self.direct(&fetch).await,
                Route::Interleave => self.interleave(&fetch).await,
                Route::Pipe => self.pipe(&fetch).await,
                Route::Spool => return self.spool(&fetch).await,
            };
            gate.check()?;
            let detour = match opened {
                Ok(Fetched { source, file_name, route }) => {
                    let source = Arc::new(Watched::new(source, gate.clone()));
                    return Ok(Fetched { source, file_name, route });
                }
                Err(OpenError::Unsuitable(why)) => why,
                // The site named a time, or leads where no route goes.
                Err(OpenError::Failed(failure))
                    if failure.retry_after.is_some() || failure.kind == FailureKind::RefusedAddress =>
                {
                    return Err(failure);
                }
                // yt-dlp knows better what a refusal means, and may get through where we do not.
                Err(OpenError::Failed(failure)) => failure.detail,
            };
            tracing::info!(?route, detour, "Another route is taken");
            route = route.safer();
        }
    }

    /// Memory for what two take of one stream at once: how many bytes, and the share of the process's buffers, if there is room now. Whoever
    /// asks may hold a share already, for the stream itself, and must not wait for others that do the same.
    #[must_use]
    pub fn try_window(&self) -> Option<(u64, BufferShare)> {
        self.pipe.try_window()
    }

    async fn direct(&self, fetch: &Fetch<'_>) -> Result<Fetched, OpenError> {
        let source = fetch.file().await?;
        let source = match source.access() {
            Access::Random => source,
            // It passes once: what Dropbox does not have yet is kept for a while.
            Access::Forward { .. } => {
                let (stream, length) = (source.open(0, None).await?, source.length());
                self.pipe.window(stream, length, fetch.gate).await?
            }
        };
        Ok(Fetched { source, file_name: fetch.plan.file_name.clone(), route: Route::Direct })
    }

    async fn interleave(&self, fetch: &Fetch<'_>) -> Result<Fetched, OpenError> {
        let source = fetch.pair().await?;
        Ok(Fetched { source, file_name: fetch.plan.file_name.clone(), route: Route::Interleave })
    }

    /// Over the disk. A file that is served in ranges is fetched by ourselves.
    async fn spool(&self, fetch: &Fetch<'_>) -> Result<Fetched, Failure> {
        let is_file = |format: &Format| format.protocol == Protocol::Http && format.is_fetched_plainly();
        let opened = if fetch.formats().all(is_file) { Some(fetch.file().await) } else { None };
        let own = match opened {
            Some(Ok(file)) => Some(file).filter(|file| file.access() == Access::Random),
            Some(Err(OpenError::Failed(failure))) if failure.kind == FailureKind::RefusedAddress => {
                return Err(failure);
            }
            Some(Err(_)) | None => None,
        };
        fetch.gate.check()?;
        let labels = self.labels(fetch).await;
        fetch.gate.check()?;
        self.spool.fetch(fetch.plan, fetch.extraction, own, &labels, fetch.gate).await
    }

    /// Through ffmpeg. What we cannot fetch ourselves, yt-dlp does.
    async fn pipe(&self, fetch: &Fetch<'_>) -> Result<Fetched, OpenError> {
        let natives = fetch.formats().map(async |format| match self.native(fetch, format).await.transpose() {
            Err(OpenError::Failed(failure)) if failure.kind == FailureKind::RefusedAddress => Err(failure),
            Err(why) => {
                tracing::debug!(format.id = format.format_id, ?why, "yt-dlp fetches this format");
                Ok(None)
            }
            Ok(native) => Ok(native),
        });
        let (natives, labels) = futures::join!(try_join_all(natives), self.labels(fetch));
        let natives = natives?;
        fetch.gate.check()?;
        self.pipe.fetch(fetch.plan, fetch.extraction, natives, &labels, fetch.gate).await
    }

    /// What a file of sound tells of itself.
    async fn labels(&self, fetch: &Fetch<'_>) -> Labels {
        if !fetch.plan.sound_only {
            return Labels::default();
        }
        let (labels, pictures) = Labels::read(fetch.extraction);
        let has_cover = fetch.plan.file_name.as_str().ends_with(".mp3");
        let cover = if has_cover { Cover::fetch(&self.web, &pictures, fetch.gate).await } else { None };
        Labels { cover, ..labels }
    }

    /// The format, fetched by ourselves; `None` where it is of no kind that we fetch.
    async fn native(&self, fetch: &Fetch<'_>, format: &Format) -> Option<Result<Native, OpenError>> {
        if format.is_fetched_plainly() {
            return Some(self.web.open(&fetch.media, &format.format_id, fetch.gate).await.map(Native::File));
        }
        if format.plain_get && format.protocol == Protocol::Hls {
            let film = self.web.open_film(&fetch.media, &format.format_id, fetch.gate).await;
            return Some(film.map(|film| Native::Film(Box::new(film))));
        }
        None
    }
}

fn unsuitable(why: impl Into<String>) -> OpenError {
    OpenError::Unsuitable(why.into())
}
