use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

fn base() -> Url {
    "https://a.example/films/7/list.m3u8?sig=1".parse().unwrap()
}

fn parse(body: &str) -> Result<Playlist, &'static str> {
    Playlist::parse(base(), &format!("#EXTM3U\n{body}"))
}

/// Address, range and milliseconds of every part.
type Parts<'t> = Vec<(&'t str, Option<(u64, u64)>, u128)>;

#[track_caller]
fn check(body: &str, want: &Parts<'_>) {
    let list = parse(body).unwrap_or_else(|why| panic!("{why}: {body}"));
    let addresses: Vec<_> = (0..list.parts.len()).map(|index| list.address(index).unwrap().to_string()).collect();
    let parts = list.parts.iter().zip(&addresses).map(|(part, address)| {
        let range = part.range.as_ref().map(|range| (range.start, range.end));
        (address.as_str(), range, part.lasts.as_millis())
    });
    assert_eq!(parts.collect::<Vec<_>>(), *want);
}

#[test]
fn segments_come_one_after_another() {
    check(
        "#EXT-X-VERSION:3\r\n#EXT-X-KEY:METHOD=NONE\r\n\r\n#EXTINF:1.5,title, and more\r\n0.ts\r\n#EXT-X-DISCONTINUITY\n\
         #EXT-X-WHATEVER:1\n# a comment\n#EXTINF:2,\n../8/1.ts?x=1#y\n#EXTINF:0\n/2.ts\n#EXTINF:3.,\n//b.example/3.ts\n\
         #EXTINF:.5,\nhttp://c.example/4.ts\n#EXT-X-ENDLIST",
        &vec![
            ("https://a.example/films/7/0.ts", None, 1500),
            ("https://a.example/films/8/1.ts?x=1#y", None, 2000),
            ("https://a.example/2.ts", None, 0),
            ("https://b.example/3.ts", None, 3000),
            ("http://c.example/4.ts", None, 500),
        ],
    );
}

#[test]
fn the_map_comes_first() {
    let segments = "#EXTINF:1,\n0.m4s\n#EXT-X-DISCONTINUITY\n";
    for (map, range) in [("URI=\"a,b.mp4\"", None), ("BYTERANGE=\"5@7\",URI=\"a,b.mp4\"", Some((7, 12)))] {
        check(
            &format!("#EXT-X-MAP:{map}\n{segments}#EXT-X-MAP:{map}\n#EXTINF:1,\n1.m4s\n#EXT-X-ENDLIST\n"),
            &vec![
                ("https://a.example/films/7/a,b.mp4", range, 0),
                ("https://a.example/films/7/0.m4s", None, 1000),
                ("https://a.example/films/7/1.m4s", None, 1000),
            ],
        );
    }
}

#[test]
fn ranges_that_follow_one_another_are_one() {
    check(
        "#EXT-X-MAP:URI=\"f\",BYTERANGE=\"10@0\"\n#EXTINF:1,\n#EXT-X-BYTERANGE:5@10\nf\n#EXTINF:1,\n#EXT-X-BYTERANGE:6\nf\n\
         #EXT-X-BYTERANGE:1@30\n#EXTINF:1,\nf\n#EXTINF:1,\n#EXT-X-BYTERANGE:2@31\ng\n#EXTINF:1,\nh\n#EXT-X-ENDLIST\n",
        &vec![
            ("https://a.example/films/7/f", Some((0, 21)), 2000),
            ("https://a.example/films/7/f", Some((30, 31)), 1000),
            ("https://a.example/films/7/g", Some((31, 33)), 1000),
            ("https://a.example/films/7/h", None, 1000),
        ],
    );
}

#[test]
fn what_is_not_certain_is_left_to_others() {
    let film = |before: &str| parse(&format!("{before}\n#EXTINF:1,\n0.ts\n#EXT-X-ENDLIST\n"));
    assert!(film("").is_ok());
    for tag in [
        "#EXT-X-STREAM-INF:BANDWIDTH=1\nother.m3u8",
        "#EXT-X-MEDIA:TYPE=AUDIO",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"",
        "#EXT-X-KEY:URI=\"METHOD=NONE\"",
        "#EXT-X-KEY",
        "#EXT-X-PART:URI=\"p\"",
        "#EXT-X-PRELOAD-HINT:TYPE=PART",
        "#EXT-X-I-FRAMES-ONLY",
        "#EXT-X-GAP",
        "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"",
        "#EXT-X-MAP:BYTERANGE=\"1@0\"",
        "#EXT-X-MAP:URI=\"m",
        "#EXT-X-MAP:URI=\"m\",BYTERANGE=\"1\"",
        "#EXT-X-MAP:URI=\"m\",BYTERANGE=\"1@18446744073709551615\"",
        "#EXT-X-MAP:URI=\"m\"\n#EXT-X-MAP:URI=\"n\"",
        "#EXT-X-MAP:URI=\"0.ts\"",
        "#EXTINF:1,\na.ts\n#EXT-X-MAP:URI=\"m\"",
        "#EXTINF:1,",
        "#EXTINF:-1,\na.ts",
        "#EXTINF:1e3,\na.ts",
        "#EXTINF:inf,\na.ts",
        "#EXTINF:NaN,\na.ts",
        "#EXTINF:.,\na.ts",
        "#EXTINF:,\na.ts",
        "#EXTINF:86401,\na.ts",
        "#EXT-X-BYTERANGE:5",
        "#EXT-X-BYTERANGE:0@0",
        "#EXT-X-BYTERANGE:+5@0",
        "#EXT-X-BYTERANGE:5@",
        "#EXT-X-BYTERANGE:5@18446744073709551615",
        "#EXT-X-BYTERANGE:5@0\n#EXT-X-BYTERANGE:5@0",
        "#EXTINF:1,\n#EXT-X-BYTERANGE:5@0\na.ts\n#EXT-X-BYTERANGE:5",
        "a.ts",
        "#EXTINF:1,\nfile:///etc/passwd",
        "#EXTINF:1,\ndata:,x",
        "#EXTINF:1,\nhttp://",
        "#EXT-X-ENDLIST\n#EXTINF:1,\na.ts",
        "#ANVATO-SEGMENT-INFO:type=ad",
    ] {
        assert!(film(tag).is_err(), "{tag}");
    }
    for text in ["", "#EXT-X-ENDLIST\n", "#EXTINF:1,\n0.ts\n", "#EXTINF:1,\n0.ts\n#EXTINF:1,\n#EXT-X-ENDLIST\n"] {
        assert!(parse(text).is_err(), "{text}");
    }
    for text in ["", "#EXTM3U8\n#EXTINF:1,\n0.ts\n#EXT-X-ENDLIST", "\u{feff}#EXTM3U\n#EXTINF:1,\n0.ts\n#EXT-X-ENDLIST"]
    {
        assert!(Playlist::parse(base(), text).is_err(), "{text}");
    }
}

#[test]
fn there_is_a_bound_for_everything() {
    let film =
        |segments: usize, name: &str| parse(&(format!("#EXTINF:1,\n{name}\n").repeat(segments) + "#EXT-X-ENDLIST"));
    assert!(film(24_000, "0.ts").is_ok());
    assert!(film(25_001, "0.ts").is_err());
    assert!(film(1, &"x".repeat(MAX_LINE_BYTES)).is_ok());
    assert!(film(1, &"x".repeat(MAX_LINE_BYTES + 1)).is_err());
    assert!(film(300, &"x".repeat(MAX_LINE_BYTES)).is_err());
    let far = format!("https://a.example/{}", "x".repeat(MAX_BASE_BYTES)).parse().unwrap();
    assert!(Playlist::parse(far, "#EXTM3U\n#EXTINF:1,\n0.ts\n#EXT-X-ENDLIST").is_err());
}

#[test]
fn the_durations_vouch_for_the_film_where_they_can() {
    let seconds = |body: &str| parse(&format!("{body}#EXT-X-ENDLIST\n")).unwrap().seconds();
    assert_eq!(seconds("#EXTINF:1.5,\n0.ts\n#EXTINF:2.25,\n1.ts\n"), Some(3.75));
    assert_eq!(seconds("#EXTINF:10,\n0.ts\n#EXTINF:10,\n1.ts\n"), Some(19.0), "they may be rounded");
    assert_eq!(seconds("#EXTINF:1.5,\n0.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:2.25,\n1.ts\n"), None);
    assert_eq!(seconds("#EXTINF:0,\n0.ts\n"), None);
}

#[test]
fn another_cut_is_another_film() {
    let list = |body: &str| parse(&format!("{body}#EXT-X-ENDLIST\n")).unwrap();
    let film = list("#EXTINF:1.5,\n0.ts?sig=1\n#EXTINF:2,\n1.ts\n");
    assert!(film.is_like(&list("#EXTINF:1.5,\nx/0.ts?sig=2\n#EXTINF:2,\nx/1.ts\n")));
    assert!(!film.is_like(&list("#EXTINF:1.5,\n0.ts\n")));
    assert!(!film.is_like(&list("#EXTINF:1.5,\n0.ts\n#EXTINF:3,\n1.ts\n")));
    assert!(!film.is_like(&list("#EXTINF:1.5,\n0.ts\n#EXTINF:2,\n#EXT-X-BYTERANGE:1@0\n1.ts\n")));
}

const WORDS: [&str; 16] = [
    "#EXTM3U\n",
    "#EXTINF:",
    "#EXT-X-BYTERANGE:",
    "#EXT-X-MAP:",
    "URI=\"",
    "\"",
    "BYTERANGE=",
    "#EXT-X-ENDLIST",
    "\n",
    "\r\n",
    ",",
    "@",
    "1",
    "99999999999999999999",
    "a.ts",
    "é",
];

proptest! {
    #[test]
    fn no_text_breaks_it(text in any::<String>(), words in vec(select(&WORDS[..]), 0..60)) {
        for text in [format!("#EXTM3U\n{text}"), text, format!("#EXTM3U\n{}", words.concat())] {
            if let Ok(list) = Playlist::parse(base(), &text) {
                prop_assert!((0..list.parts.len()).all(|index| list.address(index).is_some()));
                prop_assert!(list.is_like(&list));
            }
        }
    }

    #[test]
    fn every_film_is_read_as_it_was_written(lasts in vec(0_u32..90_000, 1..50), ranged in any::<bool>()) {
        let (mut text, mut at) = (String::from("#EXTM3U\n"), 3_u64);
        for (number, lasts) in lasts.iter().enumerate() {
            let range = if ranged { format!("#EXT-X-BYTERANGE:{}@{at}\n", lasts + 1) } else { String::new() };
            at += u64::from(*lasts) + 2;
            text += &format!("#EXTINF:{}.{:03},\n{range}{number}.ts\n", lasts / 1000, lasts % 1000);
        }
        let list = Playlist::parse(base(), &(text + "#EXT-X-ENDLIST\n")).unwrap();
        let read: Vec<_> = list.parts.iter().map(|part| u32::try_from(part.lasts.as_millis()).unwrap()).collect();
        prop_assert_eq!(&read, &lasts);
        let bytes: u64 = list.parts.iter().filter_map(|part| part.range.as_ref()).map(|range| range.end - range.start).sum();
        prop_assert_eq!(bytes, if ranged { lasts.iter().map(|lasts| u64::from(*lasts) + 1).sum() } else { 0 });
    }
}
