//! Core: the newest receipts of one account, in bounded memory.

use std::collections::{HashMap, VecDeque};

use super::fate::Sequence;
use crate::receipt::{Filed, REMEMBERED, Receipt, RequestId};

/// The receipts, oldest first. At [`REMEMBERED`] it takes about 2.5 MB.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    kept: VecDeque<Kept>,
    /// The how manieth each was, of all that were ever added.
    by_id: HashMap<RequestId, usize>,
    added: usize,
    /// The number of the newest; 0 before the first.
    last: i64,
}

/// A receipt, and with which batch it is settled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) receipt: Receipt,
    pub(super) settled_with: Sequence,
}

impl Receipts {
    /// The receipts `filed` on disk, in their order: all that are remembered.
    pub(super) fn on_disk(filed: Vec<Filed>) -> Self {
        let last = filed.last().map_or(0, |filed| filed.number);
        Self::some_on_disk(filed.into_iter().map(|filed| filed.receipt), last)
    }

    /// Some of the receipts on disk, of which the newest has the number `last`; 0 if there is none.
    pub(super) fn some_on_disk(some: impl IntoIterator<Item = Receipt>, last: i64) -> Self {
        let mut receipts = Self::default();
        for receipt in some {
            receipts.add(receipt, Sequence::NONE);
        }
        Self { last, ..receipts }
    }

    /// None was ever given.
    pub(super) fn are_none(&self) -> bool {
        self.last == 0
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// The receipt of `id`, if it is remembered.
    pub(super) fn of(&self, id: RequestId) -> Option<Kept> {
        let nth = *self.by_id.get(&id)?;
        let back = self.added.checked_sub(nth)?;
        let index = self.kept.len().checked_sub(back)?.checked_sub(1)?;
        self.kept.get(index).copied().filter(|kept| kept.receipt.id == id)
    }

    /// Takes `receipt` in as the newest, and forgets the oldest for it if there are enough; gives its number.
    pub(super) fn add(&mut self, receipt: Receipt, settled_with: Sequence) -> i64 {
        if self.kept.len() >= REMEMBERED
            && let Some(oldest) = self.kept.pop_front()
        {
            self.by_id.remove(&oldest.receipt.id);
        }
        // 2^63 requests of one player take longer than any disk lasts.
        self.last = self.last.saturating_add(1);
        self.added = self.added.saturating_add(1);
        self.by_id.insert(receipt.id, self.added);
        self.kept.push_back(Kept {
            receipt,
            settled_with,
        });
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Account, Refusal},
        quantity::Stocks,
        record::{AccountId, Command, Decision},
    };

    fn receipt(number: u128) -> Receipt {
        let count = Stocks(0);
        Receipt {
            id: RequestId(number.to_be_bytes()),
            command: Command::Buy(count),
            decision: Decision {
                result: Err(Refusal::CountTooSmall { count }),
                account: Account::default(),
            },
        }
    }

    fn found(receipts: &Receipts, number: u128) -> Option<Receipt> {
        let kept = receipts.of(RequestId(number.to_be_bytes()));
        kept.map(|kept| kept.receipt)
    }

    #[test]
    fn the_newest_are_found_and_the_oldest_forgotten() {
        let mut receipts = Receipts::default();
        assert_eq!(found(&receipts, 1), None);
        let most = u128::try_from(REMEMBERED).unwrap();
        for number in 1..=most + 7 {
            assert_eq!(
                u128::try_from(receipts.add(receipt(number), Sequence::NONE)),
                Ok(number)
            );
        }
        for (number, is_kept) in [(1, false), (7, false), (8, true), (5_000, true), (most + 7, true)] {
            let expected = is_kept.then(|| receipt(number));
            assert_eq!(found(&receipts, number), expected, "{number}");
        }
        assert_eq!((receipts.len(), receipts.by_id.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn what_was_on_disk_goes_on_with_its_numbers() {
        let filed = |number: i64| Filed {
            account: AccountId(1),
            number,
            receipt: receipt(u128::try_from(number).unwrap()),
        };
        let mut receipts = Receipts::on_disk((41..=50).map(filed).collect());
        assert_eq!(receipts.add(receipt(51), Sequence::NONE.next()), 51);
        for (number, is_kept) in [(40, false), (41, true), (50, true), (51, true), (52, false)] {
            assert_eq!(found(&receipts, number).is_some(), is_kept, "{number}");
        }
        let mut some = Receipts::some_on_disk([receipt(3), receipt(41)], 50);
        assert_eq!(some.add(receipt(51), Sequence::NONE.next()), 51);
        for (number, is_kept) in [(3, true), (40, false), (41, true), (50, false), (51, true)] {
            assert_eq!(found(&some, number).is_some(), is_kept, "{number}");
        }
        let settled_with = receipts.of(receipt(50).id).unwrap().settled_with;
        assert_eq!(settled_with, Sequence::NONE, "it is on disk");
        assert_eq!(
            receipts.of(receipt(51).id).unwrap().settled_with,
            Sequence::NONE.next()
        );
    }
}
