//! Orders as data.

use serde_json::{Value, json};
use sluice_domain::{FileName, Length, Route};

use super::*;

fn plan(formats: &[&str], container: Container, sound_only: bool) -> Plan {
    Plan {
        route: Route::Spool,
        formats: formats.iter().map(|id| (*id).to_owned()).collect(),
        container,
        file_name: FileName::from_title("clip", "mp4"),
        length: Length::Exact(10),
        sound_only,
        encode: None,
        prove_codecs: None,
    }
}

fn info() -> String {
    json!({
        "id": "x", "title": "t", "webpage_url": "https://a.example/", "formats": [
            {"format_id": "140", "protocol": "https", "url": "https://a.example/140"},
            {"format_id": "best", "protocol": "https", "url": "https://a.example/best"},
            {"format_id": "hls", "protocol": "m3u8_native", "url": "https://a.example/hls"},
        ]
    })
    .to_string()
}

#[track_caller]
fn check(plan: &Plan, formats: &str, options: &[&str], disk: u64) {
    let order = Order::new(plan, &info()).unwrap();
    assert_eq!((order.formats, &order.options[..], order.disk_needed(plan)), (formats, options, disk));
}

#[test]
fn every_plan_becomes_an_order() {
    check(&plan(&["best"], Container::AsIs, false), "p0", &["--fixup", "never"], 10);
    check(&plan(&["hls"], Container::AsIs, false), "p0", &[], 20);
    check(&plan(&["hls"], Container::Mp4, false), "p0", &["--remux-video", "mp4"], 20);
    check(&plan(&["best"], Container::AsIs, true), "p0", &["--fixup", "never"], 20);
    check(&plan(&["best", "140"], Container::Mkv, false), "p0+p1", &["--merge-output-format", "mkv"], 20);
}

#[test]
fn only_the_chosen_formats_are_loaded_under_names_of_ours() {
    let order = Order::new(&plan(&["best", "140"], Container::Mp4, false), &info()).unwrap();
    let loaded: Value = serde_json::from_str(&order.info_json).unwrap();
    let formats = loaded["formats"].as_array().unwrap();
    let told: Vec<_> = formats.iter().map(|format| (format["format_id"].as_str(), format["url"].as_str())).collect();
    assert_eq!(told, [(Some("p0"), Some("https://a.example/best")), (Some("p1"), Some("https://a.example/140"))]);
    assert!(loaded.get("webpage_url").is_none(), "yt-dlp would extract again");
}

#[test]
fn a_piece_of_one_format_is_that_format() {
    let info = json!({"id": "x", "format_id": "0", "protocol": "http", "url": "http://a.example/v"}).to_string();
    let order = Order::new(&plan(&["0"], Container::AsIs, false), &info).unwrap();
    assert!(order.verbatim && order.info_json.contains(r#""format_id":"p0""#));
}

#[test]
fn a_plan_for_something_else_is_refused() {
    assert!(Order::new(&plan(&["999"], Container::AsIs, false), &info()).is_err());
    assert!(Order::new(&plan(&[], Container::AsIs, false), &info()).is_err());
    assert!(Order::new(&plan(&["best"], Container::AsIs, false), "[]").is_err());
}
