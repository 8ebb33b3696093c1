//! A page with a video, as a small site writes it.

use serde_json::json;

use super::{Resource, Site};

/// Where the page's player finds its video.
#[derive(Debug, Clone)]
pub enum Source {
    /// A `<video>` with this path and type: a file, a DASH or an HLS manifest. yt-dlp adds ` (1)` to the title, as
    /// such a page may hold several.
    Video {
        /// Path on this site.
        path: String,
        /// Its type.
        mime: &'static str,
    },
    /// A player that a script would build, and a schema.org description that names the same for machines.
    Described {
        /// Path of a file or a manifest.
        path: String,
    },
    /// No video at all: prose.
    Nothing,
}

/// What a watch page says.
#[derive(Debug, Clone)]
pub struct Page {
    /// Title as people read it; escaped here.
    pub title: String,
    /// Path of the poster, if there is one.
    pub poster: Option<String>,
    /// Its video.
    pub source: Source,
}

impl Site {
    /// Serves `page` at `path`.
    pub fn publish_page(&self, path: &str, page: &Page) {
        self.publish(path, Resource::text("text/html; charset=utf-8", html(page)));
    }
}

fn html(page: &Page) -> String {
    let title = escaped(&page.title);
    let image = page.poster.as_ref().map(|path| format!("<meta property=\"og:image\" content=\"{{base}}{path}\">\n"));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta property=\"og:title\" content=\"{title}\">\n<meta property=\"og:type\" content=\"video.other\">\n{}\
         <meta property=\"og:description\" content=\"Made on this machine to be fetched.\">\n\
         </head><body>\n<h1>{title}</h1>\n{}</body></html>\n",
        image.unwrap_or_default(),
        player(page),
    )
}

fn player(page: &Page) -> String {
    match &page.source {
        Source::Video { path, mime } => {
            let poster = page.poster.as_ref().map(|path| format!(" poster=\"{{base}}{path}\"")).unwrap_or_default();
            format!("<video controls{poster}><source src=\"{path}\" type=\"{mime}\"></video>\n")
        }
        Source::Described { path } => {
            let object = json!({
                "@context": "https://schema.org",
                "@type": "VideoObject",
                "name": page.title.replace('{', "\u{0}"),
                "contentUrl": format!("{{base}}{path}"),
                "thumbnailUrl": page.poster.as_ref().map(|path| format!("{{base}}{path}")),
            });
            // Written as escapes: `<` would end the script, and braces are the page's own placeholder.
            let object = object.to_string().replace('<', "\\u003c").replace("\\u0000", "\\u007b");
            format!("<div id=\"player\"></div>\n<script type=\"application/ld+json\">{object}</script>\n")
        }
        Source::Nothing => "<p>Nothing to see here: a page of prose.</p>\n".to_owned(),
    }
}

fn escaped(text: &str) -> String {
    // Braces too: the page's own placeholder is written with them.
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('{', "&#123;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_leave_its_place() {
        let page = Page { title: "\"><b>{base}".into(), poster: None, source: Source::Nothing };
        assert!(html(&page).contains("<h1>&quot;&gt;&lt;b&gt;&#123;base}</h1>"));
    }
}
