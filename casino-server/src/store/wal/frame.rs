//! Frames of batches, with a checksum to detect torn writes.
//!
//! A header of 24 bytes, little-endian, precedes the batch in postcard's format: checksum of everything after it
//! (4), length of the batch (3), format (1), epoch (8), batch number (8).

use std::mem;
use std::ops::Range;

use postcard::ser_flavors::Flavor;
use serde::Deserialize;

use crate::domain::credential::Claim;
use crate::domain::market::Tick;
use crate::domain::order::page::TradePosting;
use crate::domain::order::request::StoredAnswer;
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Payment};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::Batch;

/// Length of the header in bytes.
const HEADER: usize = 24;

/// Maximum of the 3-byte length.
const LENGTH_MAX: usize = 0xff_ffff;

const FORMAT: u8 = 6;

/// The format before the trades of a page shared its values.
const WITHOUT_PAGES: u8 = 5;

/// The format before batches had rounds, which it lacks at the end.
const WITHOUT_ROUNDS: u8 = 4;

/// The format before batches had orders, which it lacks too.
const WITHOUT_ORDERS: u8 = 3;

const CHECKSUM: Range<usize> = 0..4;
const LENGTH: Range<usize> = 4..7;
const FORMAT_AT: usize = 7;
pub(super) const EPOCH: Range<usize> = 8..16;
const BATCH: Range<usize> = 16..24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameId {
    pub(super) epoch: u64,
    pub(super) batch: u64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a batch of {length} bytes does not fit into a frame of the log, which takes {LENGTH_MAX}")]
    TooLong { length: usize },
    #[error("cannot encode a batch")]
    Format(#[from] postcard::Error),
}

/// A complete frame of an unknown format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the commit log was left by another version of this program, in format {format}; stop that version cleanly first"
)]
pub(crate) struct UnknownFormat {
    format: u8,
}

/// A complete frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) id: FrameId,
    format: u8,
    encoded: &'a [u8],
}

/// Replaces the content of `bytes`.
pub(super) fn write(id: FrameId, batch: &Batch, bytes: &mut Vec<u8>) -> Result<(), FrameError> {
    bytes.clear();
    bytes.resize(HEADER, 0);
    let mut framed = postcard::serialize_with_flavor(batch, Bytewise(mem::take(bytes)))?;
    let length = framed.len().saturating_sub(HEADER);
    let [low, middle, high, rest @ ..] = length.to_le_bytes();
    if rest != [0; 5] {
        return Err(FrameError::TooLong { length });
    }
    put(&mut framed, LENGTH, &[low, middle, high]);
    put(&mut framed, FORMAT_AT..EPOCH.start, &[FORMAT]);
    put(&mut framed, EPOCH, &id.epoch.to_le_bytes());
    put(&mut framed, BATCH, &id.batch.to_le_bytes());
    let checksum = crc32fast::hash(framed.get(CHECKSUM.end..).unwrap_or_default());
    put(&mut framed, CHECKSUM, &checksum.to_le_bytes());
    *bytes = framed;
    Ok(())
}

impl<'a> Frame<'a> {
    /// Returns the frame at the start of `bytes`, `None` if it is torn.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let length = usize::try_from(number(bytes, LENGTH)?).ok()?;
        let frame = bytes.get(..HEADER.checked_add(length)?)?;
        let checksum = crc32fast::hash(frame.get(CHECKSUM.end..)?);
        let is_whole = number(frame, CHECKSUM)? == u64::from(checksum);
        is_whole.then_some(Self {
            id: FrameId {
                epoch: number(frame, EPOCH)?,
                batch: number(frame, BATCH)?,
            },
            format: *frame.get(FORMAT_AT)?,
            encoded: frame.get(HEADER..)?,
        })
    }

    /// Returns the length in bytes, with the header.
    pub(super) fn len(&self) -> u64 {
        let length = HEADER.saturating_add(self.encoded.len());
        u64::try_from(length).unwrap_or(u64::MAX)
    }

    pub(super) fn decode(&self) -> Result<Batch, UnknownFormat> {
        let unknown = UnknownFormat { format: self.format };
        let missing: &[u8] = match self.format {
            FORMAT => return postcard::from_bytes(self.encoded).map_err(|_| unknown),
            WITHOUT_PAGES => &[],
            WITHOUT_ROUNDS => &[0],
            WITHOUT_ORDERS => &[0, 0],
            _ => return Err(unknown),
        };
        let batch = postcard::from_bytes(&[self.encoded, missing].concat());
        batch.map(BatchWithoutPages::into).map_err(|_| unknown)
    }
}

/// A batch as it was encoded before [`FORMAT`] 6.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct BatchWithoutPages {
    records: Vec<(PlayerName, AccountRecord)>,
    payments: Vec<(AccountId, Payment)>,
    trades: Vec<TradePosting>,
    ticks: Vec<Tick>,
    claims: Vec<Claim>,
    answers: Vec<StoredAnswer>,
    orders: Vec<OrderPosting>,
    rounds: Vec<Round>,
}

impl From<BatchWithoutPages> for Batch {
    fn from(batch: BatchWithoutPages) -> Self {
        Self {
            records: batch.records,
            payments: batch.payments,
            trades: batch.trades.into_iter().collect(),
            ticks: batch.ticks,
            claims: batch.claims,
            answers: batch.answers,
            orders: batch.orders,
            rounds: batch.rounds,
        }
    }
}

/// Appends single bytes. Numbers have few, so that trades take a third less time than with `postcard::to_extend`.
struct Bytewise(Vec<u8>);

impl Flavor for Bytewise {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

fn put(bytes: &mut [u8], at: Range<usize>, value: &[u8]) {
    if let Some(target) = bytes.get_mut(at) {
        target.copy_from_slice(value);
    }
}

fn number(bytes: &[u8], at: Range<usize>) -> Option<u64> {
    let digits = bytes.get(at)?.iter().rev();
    Some(digits.fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::values::Trigger;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::account::Account;
    use crate::domain::credential::KeyHash;
    use crate::domain::money::{Price, Stocks, UnixMillis};
    use crate::domain::order::request::{AnsweredRequest, RequestId};
    use crate::domain::order::resting::{RestingOrder, RestingTerms};
    use crate::domain::order::{Command, Decision, LedgerEntry, Side, Trade};
    use crate::domain::round::RoundPhase;
    use crate::store::WalPosition;
    use crate::store::wal::recovery::after;
    use crate::testkit::values;

    const FRAME_ID: FrameId = FrameId {
        epoch: 3,
        batch: 70_000,
    };

    fn batch() -> Batch {
        let trade = Trade {
            number: 9,
            side: Side::Sell,
            count: Stocks(i32::MAX),
            price: Price::new(15).unwrap(),
            tick: 4,
            at: UnixMillis(1_800_000_000_000),
        };
        let payment = values::payment(1, -10, -1);
        Batch {
            records: vec![(values::player("zoë"), AccountRecord::new(AccountId(i64::MAX)))],
            payments: vec![(AccountId(1), payment)],
            trades: [(Some(0), 9), (None, 10)]
                .into_iter()
                .map(|(previous, number)| TradePosting {
                    account: AccountId(1),
                    trade: Trade { number, ..trade },
                    page: 8,
                    previous,
                })
                .collect(),
            ticks: vec![values::tick(5, 1, 5)],
            claims: vec![Claim {
                player: values::player("zoë"),
                key: KeyHash::from_bytes([9; 32]),
                at: UnixMillis(6),
            }],
            answers: vec![StoredAnswer {
                account: AccountId(1),
                number: 1,
                answer: AnsweredRequest {
                    id: RequestId([0xab; 16]),
                    command: Command::Sell(Stocks(i32::MAX)),
                    decision: Decision {
                        result: Ok(LedgerEntry::Trade(trade)),
                        account: Account::default(),
                    },
                },
            }],
            orders: vec![OrderPosting {
                account: AccountId(1),
                number: 7,
                ended: Some(3),
                order: resting(),
            }],
            rounds: vec![Round {
                number: 2,
                phase: RoundPhase::Paused(7),
                ..Round::default()
            }],
        }
    }

    fn resting() -> RestingOrder {
        let terms = RestingTerms {
            side: Side::Buy,
            count: Stocks(5),
            trigger: Trigger::Limit,
            price: Price::MIN,
            up_to: false,
        };
        let tick = values::tick(5, 1, 5);
        RestingOrder::new(RequestId([0xab; 16]), terms, tick, UnixMillis(6))
    }

    fn framed() -> Vec<u8> {
        let mut bytes = b"what was there before".to_vec();
        write(FRAME_ID, &batch(), &mut bytes).unwrap();
        bytes
    }

    fn decoded(bytes: &[u8]) -> Option<Batch> {
        let frame = Frame::parse(bytes)?;
        assert_eq!(frame.id, FRAME_ID);
        frame.decode().ok()
    }

    #[test]
    fn a_batch_is_decoded_as_encoded() {
        let bytes = framed();
        assert_eq!(decoded(&bytes), Some(batch()));
        assert_eq!(
            decoded(&[&bytes[..], b"what lies after it"].concat()),
            Some(batch())
        );
    }

    #[test]
    fn a_frame_with_another_id_is_ignored() {
        let bytes = framed();
        for (epoch, batch, is_found) in [
            (3, 70_000, true),
            (2, 70_000, false),
            (4, 70_000, false),
            (3, 69_999, false),
            (3, 70_001, false),
        ] {
            let position = WalPosition {
                epoch,
                batch: batch - 1,
                ..WalPosition::default()
            };
            assert_eq!(after(&bytes, position).unwrap().len(), usize::from(is_found));
        }
    }

    #[test]
    fn an_unknown_format_is_an_error() {
        let mut bytes = framed();
        bytes[FORMAT_AT] = 77;
        let checksum = crc32fast::hash(&bytes[CHECKSUM.end..]).to_le_bytes();
        bytes[CHECKSUM].copy_from_slice(&checksum);
        let frame = Frame::parse(&bytes).unwrap();
        assert_eq!(frame.decode(), Err(UnknownFormat { format: 77 }));
    }

    /// A log that a version before rounds, or before resting orders, left is recovered.
    #[test]
    fn a_batch_of_an_earlier_format_lacks_what_came_later() {
        let without_rounds = Batch {
            rounds: Vec::new(),
            ..batch()
        };
        let without_orders = Batch {
            orders: Vec::new(),
            ..without_rounds.clone()
        };
        for (batch, format, missing) in [
            (batch(), WITHOUT_PAGES, &[][..]),
            (without_rounds, WITHOUT_ROUNDS, &[0]),
            (without_orders, WITHOUT_ORDERS, &[0, 0]),
        ] {
            let encoded = postcard::to_stdvec(&BatchWithoutPages::from(batch.clone())).unwrap();
            let encoded = encoded.strip_suffix(missing).unwrap();
            let mut bytes = [&[0; HEADER], encoded].concat();
            let length = u16::try_from(encoded.len()).unwrap().to_le_bytes();
            put(&mut bytes, LENGTH, &[length[0], length[1], 0]);
            bytes[FORMAT_AT] = format;
            put(&mut bytes, EPOCH, &FRAME_ID.epoch.to_le_bytes());
            put(&mut bytes, BATCH, &FRAME_ID.batch.to_le_bytes());
            let checksum = crc32fast::hash(&bytes[CHECKSUM.end..]).to_le_bytes();
            bytes[CHECKSUM].copy_from_slice(&checksum);
            assert_eq!(decoded(&bytes), Some(batch));
        }
    }

    impl From<Batch> for BatchWithoutPages {
        fn from(batch: Batch) -> Self {
            Self {
                records: batch.records,
                payments: batch.payments,
                trades: batch.trades.iter().collect(),
                ticks: batch.ticks,
                claims: batch.claims,
                answers: batch.answers,
                orders: batch.orders,
                rounds: batch.rounds,
            }
        }
    }

    proptest! {
        #[test]
        fn a_frame_with_a_changed_byte_is_ignored(at: prop::sample::Index, change in 1..=u8::MAX) {
            let mut bytes = framed();
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert_eq!(decoded(&bytes), None);
        }

        #[test]
        fn a_truncated_frame_is_ignored(at: prop::sample::Index) {
            let mut bytes = framed();
            bytes.truncate(at.index(bytes.len()));
            prop_assert_eq!(decoded(&bytes), None);
        }
    }
}
