//! The recent answered requests of one account.

use std::collections::{HashMap, VecDeque};

use super::watermark::BatchId;
use crate::domain::order::request::{AnsweredRequest, REQUESTS_KEPT, RequestId, StoredAnswer};

/// Oldest first. About 2.5 MB at [`REQUESTS_KEPT`].
#[derive(Debug, Default)]
pub(crate) struct RecentRequests {
    answers: VecDeque<CachedAnswer>,
    /// Position of each among all requests ever added.
    by_id: HashMap<RequestId, usize>,
    added: usize,
    /// Number of the newest; 0 if none.
    last: i64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CachedAnswer {
    pub(super) answer: AnsweredRequest,
    pub(super) commits_with: BatchId,
}

impl RecentRequests {
    /// Expects the stored answers in order, oldest first.
    pub(crate) fn from_store(stored: Vec<StoredAnswer>) -> Self {
        let last = stored.last().map_or(0, |stored| stored.number);
        Self::partial(stored.into_iter().map(|stored| stored.answer), last)
    }

    /// Expects some of the stored answers, and the number of the newest stored one; 0 if none.
    pub(super) fn partial(partial: impl IntoIterator<Item = AnsweredRequest>, last: i64) -> Self {
        let mut answers = Self::default();
        for answer in partial {
            answers.insert(answer, BatchId::NONE);
        }
        Self { last, ..answers }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last == 0
    }

    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    pub(super) fn get(&self, id: RequestId) -> Option<&CachedAnswer> {
        let nth = *self.by_id.get(&id)?;
        let back = self.added.checked_sub(nth)?;
        let index = self.answers.len().checked_sub(back)?.checked_sub(1)?;
        self.answers.get(index).filter(|cached| cached.answer.id == id)
    }

    /// Adds the newest answer, evicting the oldest at the limit. Returns its number.
    pub(super) fn insert(&mut self, answer: AnsweredRequest, commits_with: BatchId) -> i64 {
        if self.answers.len() >= REQUESTS_KEPT
            && let Some(oldest) = self.answers.pop_front()
        {
            self.by_id.remove(&oldest.answer.id);
        }
        // 2^63 requests cannot happen.
        self.last = self.last.saturating_add(1);
        self.added = self.added.saturating_add(1);
        self.by_id.insert(answer.id, self.added);
        self.answers.push_back(CachedAnswer { answer, commits_with });
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Account, Rejection};
    use crate::domain::money::Stocks;
    use crate::domain::order::{AccountId, Command, Decision};

    fn answer(number: u128) -> AnsweredRequest {
        let count = Stocks(0);
        AnsweredRequest {
            id: RequestId(number.to_be_bytes()),
            command: Command::Buy(count),
            decision: Decision {
                result: Err(Rejection::CountTooSmall { count }),
                account: Account::default(),
            },
        }
    }

    fn found(answers: &RecentRequests, number: u128) -> Option<AnsweredRequest> {
        let cached = answers.get(RequestId(number.to_be_bytes()));
        cached.map(|cached| cached.answer)
    }

    #[test]
    fn the_newest_answers_are_kept() {
        let mut answers = RecentRequests::default();
        assert_eq!(found(&answers, 1), None);
        let most = u128::try_from(REQUESTS_KEPT).unwrap();
        for number in 1..=most + 7 {
            assert_eq!(
                u128::try_from(answers.insert(answer(number), BatchId::NONE)),
                Ok(number)
            );
        }
        for (number, is_kept) in [(1, false), (7, false), (8, true), (5_000, true), (most + 7, true)] {
            let expected = is_kept.then(|| answer(number));
            assert_eq!(found(&answers, number), expected, "{number}");
        }
        assert_eq!(
            (answers.len(), answers.by_id.len()),
            (REQUESTS_KEPT, REQUESTS_KEPT)
        );
    }

    #[test]
    fn numbers_continue_after_the_stored_answers() {
        let stored = |number: i64| StoredAnswer {
            account: AccountId(1),
            number,
            answer: answer(u128::try_from(number).unwrap()),
        };
        let mut answers = RecentRequests::from_store((41..=50).map(stored).collect());
        assert_eq!(answers.insert(answer(51), BatchId::NONE.next()), 51);
        for (number, is_kept) in [(40, false), (41, true), (50, true), (51, true), (52, false)] {
            assert_eq!(found(&answers, number).is_some(), is_kept, "{number}");
        }
        let mut partial = RecentRequests::partial([answer(3), answer(41)], 50);
        assert_eq!(partial.insert(answer(51), BatchId::NONE.next()), 51);
        for (number, is_kept) in [(3, true), (40, false), (41, true), (50, false), (51, true)] {
            assert_eq!(found(&partial, number).is_some(), is_kept, "{number}");
        }
        let commits_with = answers.get(answer(50).id).unwrap().commits_with;
        assert_eq!(commits_with, BatchId::NONE, "it is on disk");
        assert_eq!(
            answers.get(answer(51).id).unwrap().commits_with,
            BatchId::NONE.next()
        );
    }
}
