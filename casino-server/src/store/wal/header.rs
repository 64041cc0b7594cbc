//! Header of the log, which identifies its ledger and opening.
//!
//! Little-endian: magic (8), epoch (8), last batch before the epoch (8), file length (8), 1 if closed cleanly (8),
//! checksum of everything before (4).

/// Offset of the first frame. The header has its own sector, so that writes of frames cannot tear it.
pub(super) const FRAMES: u64 = 512;

const BYTES: usize = 44;
const MAGIC: &[u8; 8] = b"AWSTLOG4";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WalHeader {
    /// Random for each opening, so that copies of a ledger differ too.
    pub(super) epoch: u64,
    /// The last batch in the ledger at that opening.
    pub(super) first: u64,
    pub(super) length: u64,
    /// The ledger holds everything.
    pub(super) closed: bool,
}

impl WalHeader {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let numbers = [self.epoch, self.first, self.length, u64::from(self.closed)];
        let mut bytes = MAGIC.to_vec();
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// Returns `None` if the header is missing or damaged.
    pub(super) fn from_bytes(log: &[u8]) -> Option<Self> {
        let (checked, checksum) = log.get(..BYTES)?.split_last_chunk()?;
        let numbers = checked.strip_prefix(MAGIC)?;
        if crc32fast::hash(checked).to_le_bytes() != *checksum {
            return None;
        }
        let [epoch, first, length, closed] = numbers.as_chunks().0 else {
            return None;
        };
        Some(Self {
            epoch: u64::from_le_bytes(*epoch),
            first: u64::from_le_bytes(*first),
            length: u64::from_le_bytes(*length),
            closed: u64::from_le_bytes(*closed) == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_with_a_flipped_bit_is_rejected() {
        let header = WalHeader {
            epoch: u64::MAX,
            first: 7,
            length: 16 << 20,
            closed: true,
        };
        let bytes = header.to_bytes();
        assert_eq!(bytes.len(), BYTES);
        assert_eq!(WalHeader::from_bytes(&bytes), Some(header));
        for bit in 0..BYTES * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(WalHeader::from_bytes(&damaged), None, "{bit}");
        }
    }
}
