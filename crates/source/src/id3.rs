//! The labels in front of an MP3: ID3, version 2.3, which every player reads.
//!
//! ffmpeg writes them as well, but goes back to say how long they are; into a pipe it cannot. Here that is known beforehand, and no foreign
//! picture has to go through ffmpeg.

use bytes::Bytes;

use crate::labels::Labels;

/// What stands before the frames, in bytes.
const HEADER_BYTES: usize = 10;
/// What follows is UTF-16 with a mark of its byte order.
const UTF_16: u8 = 1;
/// The picture is the front cover.
const FRONT: u8 = 3;

/// The labels; nothing when there are none.
pub(crate) fn id3(labels: &Labels) -> Bytes {
    let mut frames = Vec::new();
    for (key, value) in labels.tags() {
        frame(&mut frames, name(key), &text(value));
    }
    if let Some(cover) = &labels.cover {
        // No encoding, the type, a picture's purpose, no description.
        let head = [&[0][..], cover.mime.as_bytes(), &[0, FRONT, 0]].concat();
        frame(&mut frames, *b"APIC", &[&head[..], &cover.bytes].concat());
    }
    if frames.is_empty() {
        return Bytes::new();
    }
    let mut tag = Vec::with_capacity(HEADER_BYTES + frames.len());
    tag.extend_from_slice(b"ID3\x03\0\0");
    tag.extend_from_slice(&seven_bits_a_byte(frames.len()));
    tag.extend_from_slice(&frames);
    tag.into()
}

fn name(key: &str) -> [u8; 4] {
    *match key {
        "title" => b"TIT2",
        "artist" => b"TPE1",
        "album" => b"TALB",
        "genre" => b"TCON",
        "date" => b"TYER",
        _ => b"TRCK",
    }
}

fn frame(out: &mut Vec<u8>, name: [u8; 4], body: &[u8]) {
    // Texts and pictures are bounded far below what fits here.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&name);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(body);
}

fn text(value: &str) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(value.encode_utf16()).flat_map(u16::to_le_bytes);
    std::iter::once(UTF_16).chain(units).collect()
}

/// No byte of a length looks like the beginning of a frame of sound.
fn seven_bits_a_byte(length: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| u8::try_from(length >> shift & 0x7F).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cover::Cover;

    #[test]
    fn nothing_to_tell_is_nothing() {
        assert!(id3(&Labels::default()).is_empty());
    }

    #[test]
    fn labels_are_laid_out_as_the_standard_says() {
        let cover = Cover { mime: "image/png", bytes: Bytes::from_static(b"PNG") };
        let tag = id3(&Labels { title: Some("é".into()), cover: Some(cover), ..Labels::default() });
        let title = b"TIT2\0\0\0\x05\0\0\x01\xff\xfe\xe9\0";
        let picture = b"APIC\0\0\0\x10\0\0\0image/png\0\x03\0PNG";
        let size = u8::try_from(title.len() + picture.len()).unwrap();
        assert_eq!(tag, [&b"ID3\x03\0\0\0\0\0"[..], &[size], title, picture].concat());
    }

    proptest! {
        #[test]
        fn the_length_is_that_of_what_follows(title in ".{0,300}", picture in 0usize..100_000) {
            let cover = Cover { mime: "image/jpeg", bytes: vec![0xFF; picture].into() };
            let tag = id3(&Labels { title: Some(title), cover: Some(cover), ..Labels::default() });
            prop_assert!(tag[6..10].iter().all(|byte| *byte < 0x80));
            let length = tag[6..10].iter().fold(0, |sum, byte| sum << 7 | usize::from(*byte));
            prop_assert_eq!(length, tag.len() - HEADER_BYTES);
        }
    }
}
