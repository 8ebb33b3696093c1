//! What a file of sound tells of itself: title, artist, a cover. All of it is hostile text and hostile bytes.

use serde_json::{Map, Value};
use url::Url;

use crate::{Extraction, cover::Cover};

/// The longest text that is kept, in characters.
const MAX_CHARS: usize = 300;
/// How many pictures are worth asking for.
const MAX_PICTURES: usize = 5;

/// The labels of one piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) title: Option<String>,
    pub(crate) artist: Option<String>,
    pub(crate) album: Option<String>,
    pub(crate) genre: Option<String>,
    /// Four digits.
    pub(crate) year: Option<String>,
    pub(crate) track: Option<String>,
    pub(crate) cover: Option<Cover>,
}

impl Labels {
    /// Reads them from an info JSON, without the cover, and where pictures are that may be one: the best first.
    pub(crate) fn read(extraction: &Extraction) -> (Self, Vec<Url>) {
        let Ok(info) = serde_json::from_str::<Map<String, Value>>(&extraction.json) else { return Default::default() };
        let first = |keys: &[&str]| keys.iter().find_map(|key| text(info.get(*key)?));
        let year = |text: String| {
            text.get(..4).filter(|year| year.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned)
        };
        let labels = Self {
            title: first(&["track", "title"]),
            artist: first(&["artists", "artist", "creators", "creator", "uploader", "channel"]),
            album: first(&["album"]),
            genre: first(&["genres", "genre"]),
            year: first(&["release_year", "release_date", "upload_date"]).and_then(year),
            track: first(&["track_number"]),
            cover: None,
        };
        (labels, pictures(&info))
    }

    /// By the names that ffmpeg has for them.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("title", &self.title),
            ("artist", &self.artist),
            ("album", &self.album),
            ("genre", &self.genre),
            ("date", &self.year),
            ("track", &self.track),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?)))
    }
}

/// One line of plain text: of a text, a number, or a list of texts.
fn text(value: &Value) -> Option<String> {
    let said = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_u64()?.to_string(),
        Value::Array(all) => {
            let all: Vec<&str> = all.iter().filter_map(Value::as_str).take(10).collect();
            all.join(", ")
        }
        _ => return None,
    };
    let plain = |char: char| if char.is_control() { ' ' } else { char };
    let line: String = said.chars().map(plain).take(MAX_CHARS).collect();
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// yt-dlp sorts them from worst to best. Those in a format that no player shows are left out, as far as their names tell.
fn pictures(info: &Map<String, Value>) -> Vec<Url> {
    let several = info.get("thumbnails").and_then(Value::as_array).into_iter().flatten().rev();
    let all = several.filter_map(|picture| picture.get("url")).chain(info.get("thumbnail"));
    let mut pictures: Vec<(bool, Url)> = Vec::new();
    for url in
        all.filter_map(|url| Url::parse(url.as_str()?).ok()).filter(|url| matches!(url.scheme(), "http" | "https"))
    {
        let extension = url.path().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        let unnamed = match extension.as_deref() {
            Some("jpg" | "jpeg" | "png") => false,
            Some("webp" | "avif" | "gif" | "svg" | "heic") => continue,
            _ => true,
        };
        if !pictures.iter().any(|(_, known)| *known == url) {
            pictures.push((unnamed, url));
        }
    }
    pictures.sort_by_key(|(unnamed, _)| *unnamed);
    pictures.into_iter().map(|(_, url)| url).take(MAX_PICTURES).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(info: &Value) -> (Labels, Vec<Url>) {
        Labels::read(&Extraction::from_json(info.to_string().into()).unwrap())
    }

    fn check(info: &Value, want: &[(&str, &str)]) {
        assert_eq!(read(info).0.tags().collect::<Vec<_>>(), want, "{info}");
    }

    #[test]
    fn what_the_site_tells_is_kept() {
        check(
            &json!({"title": "A talk", "uploader": "Ada", "upload_date": "20240229", "album": null, "genre": 7}),
            &[("title", "A talk"), ("artist", "Ada"), ("genre", "7"), ("date", "2024")],
        );
        check(
            &json!({"title": "A - B", "track": "B", "artists": ["A", "C", 5], "uploader": "A VEVO", "album": "D",
                "track_number": 3, "release_year": 1999, "upload_date": "20100101"}),
            &[("title", "B"), ("artist", "A, C"), ("album", "D"), ("date", "1999"), ("track", "3")],
        );
    }

    #[test]
    fn hostile_text_is_one_line_of_bounded_length() {
        check(
            &json!({"title": " a\nb\u{0}c=;#\\ ", "uploader": "\r", "upload_date": "2é24"}),
            &[("title", "a b c=;#\\")],
        );
        assert_eq!(read(&json!({"title": "x".repeat(9000)})).0.title.unwrap().len(), MAX_CHARS);
        check(&json!({"title": {}, "artist": [], "track_number": -1}), &[]);
    }

    #[test]
    fn the_best_picture_that_players_show_comes_first() {
        let picture = |path: &str| json!({"url": format!("https://a.example/{path}")});
        let info = json!({"thumbnails": [picture("1.jpg"), picture("2.webp"), picture("3"), picture("4.PNG?x"), {"url": "file:///x.jpg"}, {}],
            "thumbnail": "https://a.example/1.jpg"});
        let paths: Vec<_> = read(&info).1.iter().map(|url| url.path().to_owned()).collect();
        assert_eq!(paths, ["/4.PNG", "/1.jpg", "/3"]);
        let many: Vec<_> = (0..99).map(|number| picture(&format!("{number}.jpg"))).collect();
        assert_eq!(read(&json!({"thumbnails": many})).1.len(), MAX_PICTURES);
    }
}
