//! What the first bytes of an input tell: about its sound, and whether it can be read in order at all.
//!
//! Transport streams, and bare sound in segments, have AAC with a header before each frame (ADTS). An MP4 has it without. ffmpeg turns the
//! one into the other by itself, but not when it has to write the file's header first.

use sluice_domain::Codec;

/// A transport stream is made of packets of this many bytes.
const PACKET_BYTES: usize = 188;
/// Every packet begins with it.
const SYNC: u8 = 0x47;
/// The table that lists a programme's streams.
const PROGRAMME_MAP: u8 = 0x02;
/// AAC with a header before each frame, in that list.
const AAC: u8 = 0x0F;

/// Is the sound AAC with headers? `named` is what the site calls it: it decides where the bytes do not.
pub(super) fn has_aac_with_headers(head: &[u8], named: Option<&Codec>) -> bool {
    if !is_transport_stream(head) {
        return is_bare_aac(head);
    }
    // Nearly all of what goes without a name is AAC.
    lists_aac(head).unwrap_or(matches!(named, None | Some(Codec::Aac | Codec::Unknown)))
}

/// Is it an MP4 whose index comes after its film? Nothing can be made of that by who cannot go back.
pub(super) fn has_its_index_last(head: &[u8]) -> bool {
    let mut rest = head;
    while let Some((&[a, b, c, d, ref name @ ..], _)) = rest.split_first_chunk::<8>() {
        match name {
            b"mdat" => return true,
            // Nothing else stands between the two.
            b"ftyp" | b"free" | b"skip" | b"wide" | b"uuid" => {}
            _ => return false,
        }
        let size = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        rest = rest.get(size.max(8)..).unwrap_or_default();
    }
    false
}

fn is_transport_stream(head: &[u8]) -> bool {
    head.first() == Some(&SYNC) && head.get(PACKET_BYTES).is_none_or(|byte| *byte == SYNC)
}

/// Frames from the start on, but for labels in front of them (ID3).
fn is_bare_aac(mut head: &[u8]) -> bool {
    while let Some(&[b'I', b'D', b'3', _, _, _, a, b, c, d]) = head.first_chunk() {
        let length = [a, b, c, d].into_iter().fold(0, |sum, seven_bits| sum << 7 | usize::from(seven_bits & 0x7F));
        head = head.get(10 + length..).unwrap_or_default();
    }
    matches!(head, [0xFF, second, ..] if second & 0xF6 == 0xF0)
}

/// `None` when this part of a transport stream does not list its streams.
fn lists_aac(head: &[u8]) -> Option<bool> {
    head.chunks_exact(PACKET_BYTES).find_map(stream_types).map(|types| types.contains(&AAC))
}

/// The types of the streams that this packet lists, if it does.
fn stream_types(packet: &[u8]) -> Option<Vec<u8>> {
    let begins_table = packet.get(1)? & 0x40 != 0;
    let has_adaptation = packet.get(3)? & 0x20 != 0;
    let payload = if has_adaptation { 5 + usize::from(*packet.get(4)?) } else { 4 };
    let table = payload + 1 + usize::from(*packet.get(payload)?);
    if !begins_table || *packet.get(table)? != PROGRAMME_MAP {
        return None;
    }
    let length = |at: usize| Some(usize::from(packet.get(at)? & 0x0F) << 8 | usize::from(*packet.get(at + 1)?));
    // A table that goes on in the next packet is read as far as it goes here. It ends with a checksum of 4 bytes.
    let end = (table + 3 + length(table + 1)?).min(packet.len()).checked_sub(4)?;
    let mut at = table + 12 + length(table + 10)?;
    let mut types = Vec::new();
    while at + 5 <= end {
        types.push(packet[at]);
        at += 5 + length(at + 3)?;
    }
    Some(types)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{hls, progressive};

    #[test]
    fn the_sound_of_a_stream_is_found() {
        let folder = hls();
        let segment = std::fs::read(folder.path().join("clip0.ts")).unwrap();
        let map = segment.chunks_exact(PACKET_BYTES).find(|packet| stream_types(packet).is_some()).unwrap();
        assert_eq!(stream_types(map), Some(vec![0x1B, AAC]));
        assert!(has_aac_with_headers(&segment, Some(&Codec::Mp3)));
        let other = map.iter().map(|byte| if *byte == AAC { 0x81 } else { *byte }).collect::<Vec<_>>();
        assert!(!has_aac_with_headers(&other, Some(&Codec::Aac)));
    }

    #[test]
    fn the_name_decides_where_the_bytes_do_not() {
        let unlisted = [&[SYNC][..], &[0; 187], &[SYNC]].concat();
        assert!(has_aac_with_headers(&unlisted, None));
        assert!(has_aac_with_headers(&unlisted, Some(&Codec::Unknown)));
        assert!(!has_aac_with_headers(&unlisted, Some(&Codec::Mp3)));
    }

    #[test]
    fn bare_sound_is_found_behind_its_labels() {
        let label =
            |length: u8| [&b"ID3\x04\0\0\0\0"[..], &[length / 128, length % 128], &vec![0; length.into()]].concat();
        for labels in [vec![], label(7), [label(200), label(0)].concat()] {
            assert!(has_aac_with_headers(&[&labels[..], &[0xFF, 0xF1, 0x50]].concat(), None));
            assert!(!has_aac_with_headers(&[&labels[..], &[0xFF, 0xFB, 0x50]].concat(), None), "MPEG layer 3");
        }
        assert!(!has_aac_with_headers(&progressive(), Some(&Codec::Aac)));
        assert!(!has_aac_with_headers(b"", None));
    }

    #[test]
    fn an_index_that_comes_last_is_noticed() {
        let part = |size: u8, name: &[u8; 4]| {
            [&[0, 0, 0, size], &name[..], &vec![0; usize::from(size).saturating_sub(8)]].concat()
        };
        let check = |parts: &[(u8, &[u8; 4])], want| {
            let head = parts.iter().map(|(size, name)| part(*size, name)).collect::<Vec<_>>().concat();
            assert_eq!(has_its_index_last(&head), want, "{parts:?}");
        };
        check(&[(24, b"ftyp"), (8, b"free"), (9, b"mdat")], true);
        check(&[(24, b"ftyp"), (200, b"moov"), (9, b"mdat")], false);
        check(&[(24, b"ftyp"), (0, b"free")], false);
        check(&[], false);
        assert!(!has_its_index_last(&progressive()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(mut head in proptest::collection::vec(any::<u8>(), 0..600)) {
            has_aac_with_headers(&head, None);
            has_its_index_last(&head);
            // The same as a table, and behind a label.
            for start in [[SYNC, 0x40, 0, 0x10, 0, PROGRAMME_MAP], *b"ID3\0\0\0"] {
                if let Some(head) = head.first_chunk_mut() {
                    *head = start;
                }
                lists_aac(&head);
                has_aac_with_headers(&head, None);
            }
        }
    }
}
