//! A media playlist (RFC 8216), read strictly: only what is for certain the film's plain bytes, one part after another, is one. Anything
//! else is left to yt-dlp, which guesses better.

use std::{ops::Range, time::Duration};

use url::Url;

use super::super::target::is_web;

/// The longest playlist, in bytes.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_LINES: usize = 50_000;
const MAX_LINE_BYTES: usize = 16 * 1024;
/// What is before every relative address, in bytes.
const MAX_BASE_BYTES: usize = 4 * 1024;
/// A longer segment is none.
const MAX_SECONDS: f64 = 86_400.0;

/// The parts of a film, in order: what its segments have in common (the map), if anything, and the segments.
#[derive(Debug)]
pub(in super::super) struct Playlist {
    base: Url,
    parts: Vec<Part>,
    seconds: Option<f64>,
}

/// One request.
#[derive(Debug)]
pub(super) struct Part {
    /// As it is written: most are alike, and short without what is before them.
    uri: Box<str>,
    /// `None` for the whole file.
    pub(super) range: Option<Range<u64>>,
    lasts: Duration,
}

impl Playlist {
    /// Reads a playlist that came from this address.
    ///
    /// # Errors
    /// Why it is left to others.
    pub(super) fn parse(base: Url, text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_BYTES || base.as_str().len() > MAX_BASE_BYTES {
            return Err("it is too large");
        }
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        if lines.next() != Some("#EXTM3U") {
            return Err("no playlist");
        }
        let mut reader = Reader::new(base);
        for (number, line) in lines.enumerate() {
            if number >= MAX_LINES || line.len() > MAX_LINE_BYTES {
                return Err("it is too large");
            }
            reader.line(line)?;
        }
        reader.end()
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Where this part is.
    pub(in super::super) fn address(&self, index: usize) -> Option<Url> {
        resolve(&self.base, &self.parts.get(index)?.uri)
    }

    /// How long the film is at least; `None` where the playlist is no measure.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.seconds
    }

    /// Is the other one, of other addresses, cut in the same way?
    pub(in super::super) fn is_like(&self, other: &Self) -> bool {
        let cut = |part: &Part| (part.range.clone(), part.lasts);
        self.parts.iter().map(cut).eq(other.parts.iter().map(cut))
    }
}

fn resolve(base: &Url, uri: &str) -> Option<Url> {
    base.join(uri).ok().filter(is_web)
}

/// What was read so far.
struct Reader {
    base: Url,
    map: Option<(Box<str>, Option<Range<u64>>)>,
    parts: Vec<Part>,
    segments: usize,
    /// Of the segment that comes next.
    lasts: Option<Duration>,
    range: Option<(u64, Option<u64>)>,
    /// Where the range of the segment before ended.
    after: Option<u64>,
    before: Box<str>,
    seconds: f64,
    is_interrupted: bool,
    is_over: bool,
}

impl Reader {
    fn new(base: Url) -> Self {
        Self {
            base,
            map: None,
            parts: Vec::new(),
            segments: 0,
            lasts: None,
            range: None,
            after: None,
            before: Box::default(),
            seconds: 0.0,
            is_interrupted: false,
            is_over: false,
        }
    }

    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        if line.is_empty() {
            return Ok(());
        }
        if !line.starts_with('#') {
            return self.segment(line);
        }
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXTINF" => self.lasts(value),
            "#EXT-X-BYTERANGE" => match self.range.replace(range(value).ok_or("a range that is none")?) {
                None => Ok(()),
                Some(_) => Err("two ranges of one segment"),
            },
            "#EXT-X-MAP" => self.map(value),
            "#EXT-X-KEY" => match attribute(value, "METHOD") {
                Some("NONE") => Ok(()),
                _ => Err("it is encrypted"),
            },
            "#EXT-X-DISCONTINUITY" => {
                self.is_interrupted = true;
                Ok(())
            }
            "#EXT-X-ENDLIST" => {
                self.is_over = true;
                Ok(())
            }
            "#EXT-X-STREAM-INF" | "#EXT-X-MEDIA" | "#EXT-X-I-FRAME-STREAM-INF" | "#EXT-X-SESSION-KEY" => {
                Err("a list of playlists")
            }
            "#EXT-X-PART" | "#EXT-X-PRELOAD-HINT" | "#EXT-X-SKIP" => Err("parts of segments"),
            "#EXT-X-I-FRAMES-ONLY" => Err("single pictures"),
            "#EXT-X-GAP" => Err("a gap"),
            "#EXT-X-DEFINE" => Err("variables"),
            // yt-dlp leaves out what these mark as advertisement.
            "#ANVATO-SEGMENT-INFO" | "#UPLYNK-SEGMENT" => Err("advertisements"),
            _ => Ok(()),
        }
    }

    fn lasts(&mut self, value: &str) -> Result<(), &'static str> {
        let number = value.split_once(',').map_or(value, |(number, _)| number);
        let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let seconds = number.parse::<f64>().ok().filter(|seconds| is_plain && *seconds <= MAX_SECONDS);
        let seconds = seconds.ok_or("a duration that is none")?;
        if self.lasts.replace(Duration::from_secs_f64(seconds)).is_some() {
            return Err("two durations of one segment");
        }
        // Old playlists round.
        self.seconds += if number.contains('.') { seconds } else { (seconds - 0.5).max(0.0) };
        Ok(())
    }

    fn map(&mut self, value: &str) -> Result<(), &'static str> {
        let uri: Box<str> = attribute(value, "URI").ok_or("a map without an address")?.into();
        let range = match attribute(value, "BYTERANGE") {
            None => None,
            Some(text) => match range(text) {
                Some((bytes, Some(from))) => Some(from..from.checked_add(bytes).ok_or("a range that is none")?),
                _ => return Err("a range that is none"),
            },
        };
        match &self.map {
            Some(known) if *known == (uri.clone(), range.clone()) => Ok(()),
            None if self.segments == 0 => {
                self.map = Some((uri.clone(), range.clone()));
                self.part(uri, range, Duration::ZERO)
            }
            _ => Err("a map that changes"),
        }
    }

    fn segment(&mut self, uri: &str) -> Result<(), &'static str> {
        if self.is_over {
            return Err("it goes on after its end");
        }
        let lasts = self.lasts.take().ok_or("a segment without a duration")?;
        let range = match self.range.take() {
            None => None,
            Some((bytes, from)) => {
                // Without a place of its own it follows on the one before, in the same file.
                let from = from.or(self.after.filter(|_| *self.before == *uri)).ok_or("a range without a place")?;
                Some(from..from.checked_add(bytes).ok_or("a range that is none")?)
            }
        };
        if range.is_none() && self.map.as_ref().is_some_and(|(map, _)| **map == *uri)
            || range.is_some() && matches!(&self.map, Some((map, None)) if **map == *uri)
        {
            return Err("a map that is a segment");
        }
        self.after = range.as_ref().map(|range| range.end);
        self.before = uri.into();
        self.segments += 1;
        self.part(uri.into(), range, lasts)
    }

    fn part(&mut self, uri: Box<str>, range: Option<Range<u64>>, lasts: Duration) -> Result<(), &'static str> {
        resolve(&self.base, &uri).ok_or("an address that is none of the web")?;
        // Ranges that follow one another in one file are one.
        if let (Some(before), Some(range)) = (self.parts.last_mut(), &range)
            && let Some(of_before) = &mut before.range
            && (of_before.end, &before.uri) == (range.start, &uri)
        {
            of_before.end = range.end;
            before.lasts += lasts;
            return Ok(());
        }
        self.parts.push(Part { uri, range, lasts });
        Ok(())
    }

    fn end(self) -> Result<Playlist, &'static str> {
        if !self.is_over {
            return Err("it has no end");
        }
        if self.segments == 0 || self.lasts.is_some() || self.range.is_some() {
            return Err("a segment is missing");
        }
        // Where films are put together, the result's clock need not go through.
        let seconds = (!self.is_interrupted && self.seconds > 0.0).then_some(self.seconds);
        Ok(Playlist { base: self.base, parts: self.parts, seconds })
    }
}

/// `length[@start]`, of at least one byte.
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    // Digits alone: `parse` would take a sign.
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let (bytes, from) = match text.split_once('@') {
        Some((bytes, from)) => (bytes, Some(number(from)?)),
        None => (text, None),
    };
    Some((number(bytes).filter(|bytes| *bytes > 0)?, from))
}

/// The value of an attribute, without its quotes; `None` where the list has no such thing, or is none.
fn attribute<'t>(list: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = list;
    loop {
        let (key, value) = rest.split_once('=')?;
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_at(value.find(',').unwrap_or(value.len())),
        };
        if key.trim() == name {
            return Some(value);
        }
        rest = after.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests;
