//! MPEG transport streams, as far as one must look into them: which kind of sound they carry.

/// A transport stream is made of packets of this many bytes.
const PACKET_BYTES: usize = 188;
/// Every packet begins with it.
const SYNC: u8 = 0x47;
/// The table that lists a programme's streams.
const PROGRAMME_MAP: u8 = 0x02;
/// AAC with a header before each frame (ADTS).
const AAC: u8 = 0x0F;

/// Does this begin like a transport stream?
pub(super) fn is_transport_stream(head: &[u8]) -> bool {
    head.first() == Some(&SYNC) && head.get(PACKET_BYTES).is_none_or(|byte| *byte == SYNC)
}

/// Does its first programme have AAC? `None` when this part does not list the streams.
pub(super) fn has_aac(head: &[u8]) -> Option<bool> {
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
        assert!(is_transport_stream(&segment));
        assert_eq!(has_aac(&segment), Some(true));
        assert_eq!(has_aac(&segment[..PACKET_BYTES]), None);
        let map = segment.chunks_exact(PACKET_BYTES).find(|packet| stream_types(packet).is_some()).unwrap();
        assert_eq!(stream_types(map), Some(vec![0x1B, AAC]));
        let other = map.iter().map(|byte| if *byte == AAC { 0x81 } else { *byte }).collect::<Vec<_>>();
        assert_eq!(has_aac(&other), Some(false));
        assert!(!is_transport_stream(&progressive()));
        assert!(!is_transport_stream(b""));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(mut head in proptest::collection::vec(any::<u8>(), 0..600)) {
            has_aac(&head);
            // The same as a table.
            if let Some(start) = head.first_chunk_mut::<6>() {
                *start = [SYNC, 0x40, 0, 0x10, 0, PROGRAMME_MAP];
            }
            has_aac(&head);
        }
    }
}
