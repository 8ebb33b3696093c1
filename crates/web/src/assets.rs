//! The stylesheets, the script and the mark, embedded and named by their content, so that a browser may keep them for ever.

use std::sync::LazyLock;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
    web,
};
use sha2::{Digest, Sha256};

/// One embedded file.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Where it is served: `/assets/{hash}.{extension}`.
    pub(crate) path: String,
    media_type: &'static str,
    content: web::Bytes,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) css: Asset,
    pub(crate) js: Asset,
    pub(crate) mark: Asset,
    /// What the operator's pages need beyond the stylesheet of all pages.
    pub(crate) operator: Asset,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    css: Asset::new("css", "text/css; charset=utf-8", include_str!("../assets/sluice.css")),
    js: Asset::new("js", "text/javascript; charset=utf-8", include_str!("../assets/sluice.js")),
    mark: Asset::new("svg", "image/svg+xml", include_str!("../assets/mark.svg")),
    operator: Asset::new("css", "text/css; charset=utf-8", include_str!("../assets/operator.css")),
});

impl Asset {
    fn new(extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let content = if extension == "svg" { content.to_owned() } else { without_asides(content) };
        let hash = hex::encode(Sha256::digest(&content));
        let content = content.into();
        Self { path: format!("/assets/{}.{extension}", &hash[..16]), media_type, content }
    }
}

/// The same without what only its authors read: indentation, empty lines, lines that are all comment. It knows nothing of either language but
/// that no text of ours goes over several lines.
fn without_asides(content: &str) -> String {
    let aside =
        |line: &&str| line.is_empty() || line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/"));
    content.lines().map(str::trim_start).filter(|line| !aside(line)).flat_map(|line| [line, "\n"]).collect()
}

impl Assets {
    /// The assets.
    pub(crate) fn get() -> &'static Self {
        &ASSETS
    }
}

/// `GET /favicon.ico`: the mark, under the name that browsers try by themselves.
pub(crate) async fn mark() -> HttpResponse {
    let mark = &Assets::get().mark;
    HttpResponse::Ok()
        .content_type(mark.media_type)
        .insert_header((CACHE_CONTROL, "public, max-age=86400"))
        .body(mark.content.clone())
}

/// `GET /assets/{name}`. A name of another version is not found: the content would not match it.
pub(crate) async fn serve(name: web::Path<String>) -> HttpResponse {
    let assets = Assets::get();
    let path = format!("/assets/{name}");
    match [&assets.css, &assets.js, &assets.mark, &assets.operator].into_iter().find(|asset| asset.path == path) {
        Some(asset) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, asset.media_type))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .insert_header((ETAG, format!("\"{name}\"")))
            .body(asset.content.clone()),
        None => HttpResponse::NotFound().insert_header((CACHE_CONTROL, "no-store")).finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_authors_read_stays_at_home() {
        assert_eq!(
            without_asides("// why\n\n  a();\n/* b */\n/* c */ d {\n  e: f; }\n"),
            "a();\n/* c */ d {\ne: f; }\n"
        );
    }

    #[test]
    fn no_text_of_the_scripts_goes_over_several_lines() {
        for script in [include_str!("../assets/sluice.js"), include_str!("../assets/operator.js")] {
            for line in script.lines() {
                assert!(line.matches('`').count() % 2 == 0, "{line}");
            }
        }
    }
}
