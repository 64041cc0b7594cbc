//! Core: a batch as bytes, framed so that one which was not written whole is known for what it is.
//!
//! A frame is a header of 24 bytes, little-endian, and the batch in postcard's format: checksum (4), length of what
//! follows the header (3), format (1), epoch (8), batch (8). The checksum is over everything after itself.

use std::ops::Range;

use crate::store::Batch;

/// Bytes before the batch.
pub(super) const HEADER: usize = 24;

/// The most bytes of a batch that the header can tell.
const LENGTH_MAX: usize = 0xff_ffff;

/// Counts the changes of what is written of a batch.
const FORMAT: u8 = 3;

const CHECKSUM: Range<usize> = 0..4;
const LENGTH: Range<usize> = 4..7;
const FORMAT_AT: usize = 7;
const EPOCH: Range<usize> = 8..16;
const BATCH: Range<usize> = 16..24;

/// What a frame is known by: its opening of the log, and its place in the order of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) epoch: u64,
    pub(super) batch: u64,
}

/// Why a batch is not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// It is longer than any frame.
    #[error("a batch of {length} bytes does not fit into a frame of the log, which takes {LENGTH_MAX}")]
    TooLong {
        /// Its bytes.
        length: usize,
    },
    /// It cannot be put into bytes.
    #[error("a batch cannot be put into bytes")]
    Format(#[from] postcard::Error),
}

/// A frame that is whole, and of another format than this build reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the commit log was left by another version of this program, in format {format}; let that version close it in order"
)]
pub(crate) struct OtherFormat {
    format: u8,
}

/// The header of a frame that may be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    checksum: u32,
    format: u8,
    /// Bytes that follow it.
    pub(super) length: usize,
}

/// Frames `batch` into `bytes`, in place of what is in it.
pub(super) fn write(stamp: Stamp, batch: &Batch, bytes: &mut Vec<u8>) -> Result<(), FrameError> {
    bytes.clear();
    bytes.resize(HEADER, 0);
    let mut framed = postcard::to_extend(batch, std::mem::take(bytes))?;
    let length = framed.len().saturating_sub(HEADER);
    let [low, middle, high, rest @ ..] = length.to_le_bytes();
    if rest != [0; 5] {
        return Err(FrameError::TooLong { length });
    }
    put(&mut framed, LENGTH, &[low, middle, high]);
    put(&mut framed, FORMAT_AT..EPOCH.start, &[FORMAT]);
    put(&mut framed, EPOCH, &stamp.epoch.to_le_bytes());
    put(&mut framed, BATCH, &stamp.batch.to_le_bytes());
    let checksum = crc32fast::hash(framed.get(CHECKSUM.end..).unwrap_or_default());
    put(&mut framed, CHECKSUM, &checksum.to_le_bytes());
    *bytes = framed;
    Ok(())
}

/// The header in the first [`HEADER`] bytes of `bytes`, if it is that of `stamp`.
pub(super) fn header(bytes: &[u8], stamp: Stamp) -> Option<Header> {
    let is_it = number(bytes, EPOCH)? == stamp.epoch && number(bytes, BATCH)? == stamp.batch;
    is_it.then_some(Header {
        checksum: u32::try_from(number(bytes, CHECKSUM)?).ok()?,
        format: *bytes.get(FORMAT_AT)?,
        length: usize::try_from(number(bytes, LENGTH)?).ok()?,
    })
}

/// The batch of a frame, header and all; `None` if the frame is not whole.
pub(super) fn read(header: Header, frame: &[u8]) -> Result<Option<Batch>, OtherFormat> {
    let checked = frame.get(CHECKSUM.end..).unwrap_or_default();
    if crc32fast::hash(checked) != header.checksum {
        return Ok(None);
    }
    let other = OtherFormat {
        format: header.format,
    };
    if header.format != FORMAT {
        return Err(other);
    }
    let batch = postcard::from_bytes(frame.get(HEADER..).unwrap_or_default());
    batch.map(Some).map_err(|_| other)
}

fn put(bytes: &mut [u8], at: Range<usize>, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at) {
        place.copy_from_slice(value);
    }
}

fn number(bytes: &[u8], at: Range<usize>) -> Option<u64> {
    let digits = bytes.get(at)?.iter().rev();
    Some(digits.fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        account::Account,
        identity::{Claim, KeyHash, PlayerName},
        market::Tick,
        quantity::{Price, Stocks, UnixMillis},
        receipt::{Filed, Receipt, RequestId},
        record::{AccountId, Command, Decision, Entry, Payment, Posting, Record, Side, Trade},
    };

    const STAMP: Stamp = Stamp {
        epoch: 3,
        batch: 70_000,
    };

    /// A batch with something of everything.
    fn batch() -> Batch {
        let trade = Trade {
            number: 9,
            side: Side::Sell,
            count: Stocks(i32::MAX),
            price: Price::new(15).unwrap(),
            tick: 4,
            at: UnixMillis(1_800_000_000_000),
        };
        let payment = Payment {
            number: 1,
            amount: -10,
            at: UnixMillis(-1),
        };
        Batch {
            records: vec![(PlayerName::new("zoë").unwrap(), Record::new(AccountId(i64::MAX)))],
            payments: vec![(AccountId(1), payment)],
            trades: vec![Posting {
                account: AccountId(1),
                trade,
                sheet: 8,
                previous: Some(0),
            }],
            ticks: vec![Tick {
                number: 5,
                price: Price::MIN,
                at: UnixMillis(5),
            }],
            claims: vec![Claim {
                player: PlayerName::new("zoë").unwrap(),
                key: KeyHash::kept([9; 32]),
                at: UnixMillis(6),
            }],
            receipts: vec![Filed {
                account: AccountId(1),
                number: 1,
                receipt: Receipt {
                    id: RequestId([0xab; 16]),
                    command: Command::Sell(Stocks(i32::MAX)),
                    decision: Decision {
                        result: Ok(Entry::Trade(trade)),
                        account: Account::default(),
                    },
                },
            }],
        }
    }

    fn framed() -> Vec<u8> {
        let mut bytes = b"what was there before".to_vec();
        write(STAMP, &batch(), &mut bytes).unwrap();
        bytes
    }

    fn taken_up(bytes: &[u8]) -> Option<Batch> {
        let header = header(bytes.get(..HEADER)?, STAMP)?;
        read(header, bytes.get(..HEADER.checked_add(header.length)?)?).ok()?
    }

    #[test]
    fn a_batch_is_read_as_it_was_written() {
        let bytes = framed();
        assert_eq!(taken_up(&bytes), Some(batch()));
        assert_eq!(
            taken_up(&[&bytes[..], b"what lies after it"].concat()),
            Some(batch())
        );
    }

    #[test]
    fn a_frame_counts_in_its_place_only() {
        let bytes = framed();
        for (epoch, batch) in [(2, 70_000), (4, 70_000), (3, 69_999), (3, 70_001)] {
            assert_eq!(header(&bytes, Stamp { epoch, batch }), None);
        }
    }

    #[test]
    fn a_format_that_is_not_known_is_told_and_not_guessed_at() {
        let mut bytes = framed();
        bytes[FORMAT_AT] = 77;
        let checksum = crc32fast::hash(&bytes[CHECKSUM.end..]).to_le_bytes();
        bytes[CHECKSUM].copy_from_slice(&checksum);
        let header = header(&bytes, STAMP).unwrap();
        assert_eq!(read(header, &bytes), Err(OtherFormat { format: 77 }));
    }

    proptest! {
        #[test]
        fn a_frame_with_any_other_byte_does_not_count(at: prop::sample::Index, change in 1..=u8::MAX) {
            let mut bytes = framed();
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert_eq!(taken_up(&bytes), None);
        }

        #[test]
        fn a_frame_cut_short_does_not_count(at: prop::sample::Index) {
            let mut bytes = framed();
            bytes.truncate(at.index(bytes.len()));
            prop_assert_eq!(taken_up(&bytes), None);
        }
    }
}
