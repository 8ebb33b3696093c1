//! One entry of a list, as yt-dlp tells it. Every field is hostile here as well.

use serde_json::{Map, Value};
use sluice_domain::{Item, SourceUrl};
use url::form_urlencoded;

use super::{
    info::{duration, integer, link, picture, text},
    list::Header,
};

/// What yt-dlp calls an item that is not there for us.
const PLACEHOLDERS: [&str; 2] = ["[Private video]", "[Deleted video]"];
/// What yt-dlp hands on from a page to the extractor of its video, in the link's fragment.
const SMUGGLED: &str = "__youtubedl_smuggle";

/// Its place in the list, counting from 1 with everything that is no item; unknown of an unreadable line.
pub(super) fn place(entry: &Map<String, Value>) -> Option<u32> {
    integer(entry, "playlist_index")
}

/// The item; `None` when it is none that could be fetched. Its number is the place until it gets one.
pub(super) fn item(entry: &Map<String, Value>, place: u32, list: &SourceUrl, header: &Header) -> Option<Item> {
    let title = Some(text(entry, "title")).filter(|title| !title.trim().is_empty());
    if title.as_deref().is_some_and(|title| PLACEHOLDERS.contains(&title.trim())) {
        return None;
    }
    let (url, item) = match address(entry, list, header)? {
        Address::Link(url) => (url, None),
        Address::Place => (list.clone(), Some(place)),
    };
    Some(Item { number: place, url, item, title, thumbnail: picture(entry), duration: duration(entry) })
}

enum Address {
    Link(SourceUrl),
    /// Only its place in the list leads to it.
    Place,
}

fn address(entry: &Map<String, Value>, list: &SourceUrl, header: &Header) -> Option<Address> {
    let kind = entry.get("_type").and_then(Value::as_str);
    let page = || {
        let page = link(entry, "webpage_url")?;
        let own = header.webpage_url.as_deref() != Some(page.as_str());
        page.parse().ok().filter(|page| own && page != list).map(Address::Link)
    };
    match kind {
        // yt-dlp's own plain form walks into a list that lies within a list; the places in there are not places in here.
        _ if entry.get("playlist_id").and_then(Value::as_str).is_some_and(|id| id != header.id) => None,
        // A place without a word about what is there: yt-dlp found nothing.
        None if !["url", "webpage_url", "title"].iter().any(|key| entry.contains_key(*key)) => None,
        None | Some("video") => page().or(Some(Address::Place)),
        Some("url" | "url_transparent") => match link(entry, "url") {
            // The list in itself would never end.
            Some(url) => url.parse().ok().map(unsmuggled).filter(|url| url != list).map(Address::Link),
            // "wistia:abc" means something to the extractor that is named with it. To nobody in particular, it could mean a search or a file.
            None => names_an_extractor(entry).then_some(Address::Place),
        },
        Some("playlist" | "multi_video") => page(),
        Some(_) => None,
    }
}

fn names_an_extractor(entry: &Map<String, Value>) -> bool {
    entry.get("ie_key").and_then(Value::as_str).is_some_and(|key| !key.is_empty() && key != "Generic")
        && entry.get("url").is_some_and(Value::is_string)
}

/// Without an identifier that yt-dlp hands on: every episode of a feed has one, and it changes nothing but makes the same link another one.
fn unsmuggled(url: SourceUrl) -> SourceUrl {
    let smuggled = || {
        let (link, fragment) = url.as_str().split_once('#')?;
        let (name, value) = form_urlencoded::parse(fragment.as_bytes()).next()?;
        let words: Map<String, Value> = serde_json::from_str(&value).ok()?;
        (name == SMUGGLED && words.keys().all(|key| key == "force_videoid")).then(|| link.parse().ok())?
    };
    smuggled().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(entry: &Value, want: Option<(&str, Option<u32>)>) {
        let list: SourceUrl = "https://a.example/list".parse().unwrap();
        let mut header = Header::of(&Map::new());
        header.id = "l".to_owned();
        header.webpage_url = Some("https://a.example/list2".to_owned());
        let Value::Object(map) = entry else { panic!("{entry}") };
        let item = item(map, 7, &list, &header);
        assert_eq!(item.as_ref().map(|item| (item.url.as_str(), item.item)), want, "{entry}");
    }

    #[test]
    fn an_item_is_reached_by_its_link_or_else_by_its_place() {
        let (link, place) = (Some(("https://b.example/v", None)), Some(("https://a.example/list", Some(7))));
        check(&json!({"_type": "url", "url": "https://b.example/v"}), link);
        check(&json!({"_type": "url_transparent", "url": "https://b.example/v", "ie_key": "Generic"}), link);
        check(&json!({"title": "t"}), place);
        check(&json!({"_type": "video", "url": "https://b.example/v.mp4"}), place);
        check(&json!({"title": "t", "webpage_url": "https://b.example/v"}), link);
        check(&json!({"title": "t", "webpage_url": "https://a.example/list"}), place);
        check(&json!({"title": "t", "webpage_url": "https://a.example/list2"}), place);
        check(&json!({"_type": "url", "url": "wistia:abc", "ie_key": "Wistia"}), place);
        check(&json!({"_type": "playlist", "webpage_url": "https://b.example/v"}), link);
    }

    #[test]
    fn what_leads_nowhere_is_no_item() {
        for entry in [
            json!({}),
            json!({"playlist_index": 3}),
            json!({"_type": "url"}),
            json!({"_type": "url", "url": 5}),
            json!({"_type": "url", "url": "file:///etc/passwd"}),
            json!({"_type": "url", "url": "file:///etc/passwd", "ie_key": "Generic"}),
            json!({"_type": "url", "url": "ytsearch:x"}),
            json!({"_type": "url", "url": "javascript:alert(1)", "ie_key": ["x"]}),
            json!({"_type": "url", "url": "https://b.example/ x"}),
            json!({"_type": "url", "url": format!("https://b.example/{}", "x".repeat(9000))}),
            json!({"_type": "url", "url": "https://a.example/list"}),
            json!({"_type": "url", "url": "https://b.example/v", "title": "[Private video]"}),
            json!({"_type": "url", "url": "https://b.example/v", "title": "[Deleted video] "}),
            json!({"_type": "playlist", "title": "t"}),
            json!({"_type": "spell", "url": "https://b.example/v"}),
            json!({"_type": "url", "url": "https://b.example/v", "playlist_id": "another"}),
        ] {
            check(&entry, None);
        }
    }

    #[test]
    fn an_identifier_does_not_make_another_link() {
        let smuggle = |words: &str| {
            let fragment: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
            format!("https://b.example/v#__youtubedl_smuggle={fragment}")
        };
        check(
            &json!({"_type": "url", "url": smuggle(r#"{"force_videoid": "x"}"#)}),
            Some(("https://b.example/v", None)),
        );
        let needed = smuggle(r#"{"force_videoid": "x", "referer": "https://a.example/"}"#);
        check(&json!({"_type": "url", "url": needed}), Some((&needed, None)));
        check(&json!({"_type": "url", "url": "https://b.example/v#t=5"}), Some(("https://b.example/v#t=5", None)));
    }
}
