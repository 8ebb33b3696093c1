//! What surrounds every page: assets, who is signed in, banners.

use crate::assets::Assets;

/// The frame of a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) css: &'static str,
    pub(crate) js: &'static str,
    pub(crate) mark: &'static str,
    /// The folder of the Dropbox stand-in, while there is no real Dropbox.
    pub(crate) practice_folder: Option<String>,
    /// One sentence about what just happened.
    pub(crate) notice: Option<String>,
    /// Who is signed in.
    pub(crate) who: Option<Who>,
}

/// The person in the corner of the page.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) csrf: String,
    /// Free space, when Dropbox told in time.
    pub(crate) free: Option<String>,
    /// Did Dropbox withdraw the connection?
    pub(crate) disconnected: bool,
    /// May they see the whole queue?
    pub(crate) operator: bool,
}

impl Frame {
    /// A frame for somebody who is not signed in.
    pub(crate) fn new(practice_folder: Option<String>) -> Self {
        let assets = Assets::get();
        Self {
            css: &assets.css.path,
            js: &assets.js.path,
            mark: &assets.mark.path,
            practice_folder,
            notice: None,
            who: None,
        }
    }

    /// With the person in the corner.
    #[must_use]
    pub(crate) fn of(mut self, who: Who) -> Self {
        self.who = Some(who);
        self
    }

    /// With one sentence about what just happened.
    #[must_use]
    pub(crate) fn saying(mut self, notice: Option<&str>) -> Self {
        self.notice = notice.map(str::to_owned);
        self
    }
}
