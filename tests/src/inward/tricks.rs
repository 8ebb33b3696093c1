//! The table: what to paste, and what must come of it.

use std::net::SocketAddr;

use serde_json::json;

use super::{Canary, hosts::INWARD};
use crate::site::{Resource, Site};

/// What must come of a trick, beside that nobody visits the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The job fails for good, and says that the address is not visited.
    Refused,
    /// The same, but only once the media is asked for: a look beforehand may well see something.
    RefusedInside,
    /// It is no link at all.
    NoLink,
    /// Whatever it likes: what leads inward is beside the point, such as a picture.
    Harmless,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Trick {
    /// What it is called in messages.
    pub name: String,
    /// What is pasted.
    pub link: String,
    /// What must come of it.
    pub outcome: Outcome,
}

/// Hosts for tricks that take one: whatever the way in, every kind of notation once.
const SOME: &[&str] = &[
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
    "0",
    "10.0.0.1",
    "169.254.169.254",
];

struct Table<'a> {
    site: &'a Site,
    canary: u16,
    tricks: Vec<Trick>,
}

/// Serves what the tricks need, and gives them all.
pub fn publish_tricks(site: &Site, canary: &Canary, ours: &[SocketAddr]) -> Vec<Trick> {
    let mut table = Table { site, canary: canary.port(), tricks: Vec::new() };
    table.notations();
    table.places(ours);
    table.schemes();
    table.redirects();
    table.pages();
    table.manifests();
    table.lists();
    table.tricks
}

impl Table<'_> {
    fn add(&mut self, name: impl Into<String>, link: impl Into<String>, outcome: Outcome) {
        self.tricks.push(Trick { name: name.into(), link: link.into(), outcome });
    }

    /// A path of the site with this, as a trick.
    fn serve(&mut self, name: &str, ending: &str, resource: Resource, outcome: Outcome) {
        let path = format!("/trick/{}{ending}", self.tricks.len());
        self.site.publish(&path, resource);
        self.add(name, self.site.url(&path), outcome);
    }

    fn inward(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.canary)
    }

    fn notations(&mut self) {
        for host in INWARD {
            self.notation(host, &format!("http://{host}:PORT/clip.mp4"));
        }
        self.notation("https", "https://127.0.0.1:PORT/clip.mp4");
        let site = self.site.address();
        for credentials in [format!("{site}"), "user:secret".to_owned(), format!("{site}%2f"), format!("{site}%23")] {
            self.notation("credentials", &format!("http://{credentials}@127.0.0.1:PORT/clip.mp4"));
        }
        self.notation("backslash", &format!("http://127.0.0.1:PORT\\@{site}/clip.mp4"));
        self.notation("fragment", &format!("http://127.0.0.1:PORT#@{site}/clip.mp4"));
        self.notation("question", &format!("http://127.0.0.1:PORT?@{site}/clip.mp4"));
        self.notation("scheme's case", "HtTp://127.0.0.1:PORT/clip.mp4");
        self.notation("many slashes", "http:////127.0.0.1:PORT/clip.mp4");
        self.notation("no slashes", "http:127.0.0.1:PORT/clip.mp4");
    }

    /// One that differs from all others by its end, for what is the same link is the same job.
    fn notation(&mut self, name: &str, link: &str) {
        let end = if link.contains(['#', '?']) { "&" } else { "?" };
        let link = format!("{}{end}{}", link.replace("PORT", &self.canary.to_string()), self.tricks.len());
        self.add(name, link, Outcome::Refused);
    }

    /// What else listens on the machine of the site that may be visited, and ports that are never visited.
    fn places(&mut self, ours: &[SocketAddr]) {
        for place in ours {
            self.add("a service of ours", format!("http://{place}/"), Outcome::Refused);
        }
        for port in [22, 25, 53, 111, 445, 2375, 3306, 5432, 6379, 9200, 11211, 27017] {
            self.add(format!("port {port}"), format!("http://127.0.0.1:{port}/"), Outcome::Refused);
            self.add(format!("port {port} elsewhere"), format!("http://192.0.78.9:{port}/"), Outcome::Refused);
        }
    }

    fn schemes(&mut self) {
        let at = format!("127.0.0.1:{}", self.canary);
        for scheme in [
            "ftp",
            "ftps",
            "sftp",
            "scp",
            "gopher",
            "dict",
            "ldap",
            "tftp",
            "smb",
            "ws",
            "wss",
            "rtmp",
            "rtmpe",
            "rtsp",
            "mms",
            "rtp",
            "udp",
            "tcp",
            "tls",
            "unix",
            "jar:http",
            "view-source:http",
            "feed:http",
            "concat:http",
            "subfile",
            "crypto+http",
            "async:http",
            "cache:http",
            "hls+http",
            "data",
            "blob:http",
            "netdoc",
            "php",
            "magnet",
            "ipfs",
            "file",
        ] {
            self.add(scheme, format!("{scheme}://{at}/clip.mp4"), Outcome::NoLink);
        }
    }

    fn redirects(&mut self) {
        for host in SOME {
            let target = self.inward(host, "/clip.mp4");
            self.serve("redirect", "", Resource::redirect(target.clone()), Outcome::Refused);
            self.serve("redirect of a file", ".mp4", Resource::redirect(target), Outcome::Refused);
        }
        let (canary, site) = (self.canary, self.site.address());
        for target in [
            format!("//127.0.0.1:{canary}/clip.mp4"),
            format!("\\\\127.0.0.1:{canary}/clip.mp4"),
            format!("/\\127.0.0.1:{canary}/clip.mp4"),
            format!("http:\\\\127.0.0.1:{canary}\\clip.mp4"),
            format!("http://{site}@127.0.0.1:{canary}/clip.mp4"),
            format!("http://user:secret@127.0.0.1:{canary}/clip.mp4"),
            format!("https://127.0.0.1:{canary}/clip.mp4"),
            format!("  http://127.0.0.1:{canary}/clip.mp4"),
        ] {
            self.serve("odd redirect", ".mp4", Resource::redirect(target), Outcome::Harmless);
        }
        for scheme in [
            "file:///etc/passwd".to_owned(),
            format!("ftp://127.0.0.1:{canary}/"),
            format!("gopher://127.0.0.1:{canary}/"),
        ] {
            self.serve("redirect to another scheme", ".mp4", Resource::redirect(scheme), Outcome::Harmless);
        }
        // Three hops, the last of which leads inward.
        let last = format!("/trick/hop-{}", self.tricks.len());
        self.site.publish(&last, Resource::redirect(self.inward("127.0.0.1", "/clip.mp4")));
        let middle = format!("{last}-before");
        self.site.publish(&middle, Resource::redirect(last));
        self.serve("redirect after redirects", ".mp4", Resource::redirect(middle), Outcome::Refused);
    }

    fn page(&mut self, name: &str, inside: &str, outcome: Outcome) {
        let page =
            format!("<!doctype html><html><head><title>Trick</title>{inside}</head><body><p>x</p></body></html>");
        self.serve(name, "", Resource::text("text/html; charset=utf-8", page), outcome);
    }

    fn pages(&mut self) {
        for host in SOME {
            let at = self.inward(host, "/clip.mp4");
            self.page("video", &format!("<video src=\"{at}\"></video>"), Outcome::Refused);
            let object =
                json!({"@context": "https://schema.org", "@type": "VideoObject", "name": "x", "contentUrl": at});
            self.page(
                "described",
                &format!("<script type=\"application/ld+json\">{object}</script>"),
                Outcome::Refused,
            );
            let og =
                format!("<meta property=\"og:video\" content=\"{at}\"><meta property=\"og:type\" content=\"video\">");
            self.page("og:video", &og, Outcome::Harmless);
        }
        let at = self.inward("127.0.0.1", "/clip.mp4");
        let manifest = self.inward("127.0.0.1", "/index.m3u8");
        self.page("audio", &format!("<audio src=\"{at}\"></audio>"), Outcome::Refused);
        self.page("source", &format!("<video><source src=\"{at}\" type=\"video/mp4\"></video>"), Outcome::Refused);
        for (kind, mime) in [("m3u8", "application/x-mpegurl"), ("mpd", "application/dash+xml")] {
            let inside = format!(
                "<video><source src=\"{}\" type=\"{mime}\"></video>",
                self.inward("127.0.0.1", &format!("/a.{kind}"))
            );
            self.page("source of a manifest", &inside, Outcome::Refused);
        }
        self.page(
            "base",
            &format!("<base href=\"{}\"><video src=\"clip.mp4\"></video>", self.inward("127.0.0.1", "/")),
            Outcome::Harmless,
        );
        self.page("frame", &format!("<iframe src=\"{at}\"></iframe>"), Outcome::Harmless);
        self.page("refresh", &format!("<meta http-equiv=\"refresh\" content=\"0; url={at}\">"), Outcome::Refused);
        self.page("canonical", &format!("<link rel=\"canonical\" href=\"{at}\">"), Outcome::Harmless);
        self.page(
            "oembed",
            &format!("<link rel=\"alternate\" type=\"application/json+oembed\" href=\"{at}\">"),
            Outcome::Harmless,
        );
        self.page("twitter", &format!("<meta name=\"twitter:player:stream\" content=\"{at}\">"), Outcome::Harmless);
        self.page(
            "player",
            &format!("<script>jwplayer('p').setup({{file: '{at}'}});</script><div id=\"p\"></div>"),
            Outcome::Harmless,
        );
        self.page("flash", &format!("<script>flashvars = 'file={manifest}';</script>"), Outcome::Harmless);
        self.page("embed", &format!("<embed src=\"{at}\"><object data=\"{at}\"></object>"), Outcome::Harmless);
        for key in ["og:image", "og:image:secure_url", "twitter:image"] {
            let clip = self.site.url("/clip.mp4");
            let inside = format!(
                "<meta property=\"{key}\" name=\"{key}\" content=\"{at}\"><video src=\"{clip}\" poster=\"{at}\"></video>"
            );
            self.page(key, &inside, Outcome::Harmless);
        }
    }

    fn manifests(&mut self) {
        const HLS: &str = "application/vnd.apple.mpegurl";
        for host in SOME {
            let part = self.inward(host, "/part.ts");
            let segments = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{part}\n#EXT-X-ENDLIST\n");
            self.serve("segment", ".m3u8", Resource::text(HLS, segments), Outcome::RefusedInside);
            let variant = self.inward(host, "/variant.m3u8");
            let master = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=640x360\n{variant}\n");
            self.serve("variant", ".m3u8", Resource::text(HLS, master), Outcome::Refused);
            let base = self.inward(host, "/film/");
            let mpd = format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT4S\">\
                 <Period><BaseURL>{base}</BaseURL><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"100000\" width=\"640\" height=\"360\" codecs=\"avc1.42c00c\">\
                 <SegmentTemplate media=\"$Number$.m4s\" initialization=\"i.mp4\" duration=\"4\" timescale=\"1\" startNumber=\"1\"/></Representation></AdaptationSet></Period></MPD>"
            );
            self.serve("base of DASH", ".mpd", Resource::text("application/dash+xml", mpd), Outcome::RefusedInside);
        }
        let (key, part) = (self.inward("127.0.0.1", "/key"), self.site.url("/clip.mp4"));
        for (name, head) in [
            ("key", format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{key}\"")),
            (
                "key with a vector",
                format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{key}\",IV=0x00000000000000000000000000000001"),
            ),
            ("map", format!("#EXT-X-MAP:URI=\"{key}\"")),
        ] {
            let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n{head}\n#EXTINF:4,\n{part}\n#EXT-X-ENDLIST\n");
            self.serve(name, ".m3u8", Resource::text(HLS, list), Outcome::RefusedInside);
        }
        let part = self.inward("127.0.0.1", "/part.ts");
        let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{part}\n#EXT-X-ENDLIST\n");
        // ffmpeg sniffs what a file really is; it must not follow what it finds.
        self.serve("a playlist that is called a film", ".mp4", Resource::text("video/mp4", list), Outcome::Harmless);
        let smil = format!(
            "<smil><head><meta base=\"{}\"/></head><body><video src=\"clip.mp4\"/></body></smil>",
            self.inward("127.0.0.1", "/")
        );
        self.serve("SMIL", ".smil", Resource::text("application/smil+xml", smil), Outcome::Harmless);
        let xspf = format!(
            "<playlist xmlns=\"http://xspf.org/ns/0/\"><trackList><track><location>{part}</location></track></trackList></playlist>"
        );
        self.serve("XSPF", ".xspf", Resource::text("application/xspf+xml", xspf), Outcome::Harmless);
    }

    fn lists(&mut self) {
        for host in SOME {
            let at = self.inward(host, "/clip.mp4");
            let items = format!("<item><title>1</title><enclosure url=\"{at}\" type=\"video/mp4\"/></item>");
            let rss =
                format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>x</title>{items}</channel></rss>");
            self.serve("feed of one", ".xml", Resource::text("application/rss+xml", rss), Outcome::Refused);
        }
    }
}
