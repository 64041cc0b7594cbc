//! The auditor: what one player asked for and was told, and whether the books agree.
//!
//! A model without time, tasks or wire. Each request of a player asks for another amount, so an entry in the books says
//! by itself which request it came from, and none can stand for another.

use std::collections::BTreeMap;

use awesomestock_proto::{
    casino::{ActionType, Trade, Wallet},
    types::Payment,
};

/// What a deposit brings beside its number: enough for the trades between two of them.
const DEPOSIT_DOLLARS: i32 = 2_000;

/// What a request asks for; its number is in its amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Deposit,
    Withdrawal,
    /// At this price or a better one; 0 is no limit.
    Trade(ActionType, i32),
}

/// What a request was answered for good.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// So many tokens were bought.
    Bought(i32),
    Paid(Payment),
    Traded(Trade),
    Refused(String),
}

/// What was said to a request that was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Answer(Answer),
    /// That nothing was done, and that it may be asked again.
    NotDone,
    /// The same, by a casino that does nothing any more.
    NotDoneAndStopping,
    /// Nothing, or that nobody knows.
    Nothing,
}

/// A request, sent once or more often.
#[derive(Debug)]
pub(crate) struct Request {
    /// Counts the player's requests, from 1.
    pub(crate) number: i32,
    pub(crate) wanted: Wanted,
    /// By which it may be sent again.
    pub(crate) id: Option<[u8; 16]>,
    answer: Option<Answer>,
    /// It was sent in this life of the casino, or in an earlier one, and may have been done without a word.
    open_now: bool,
    open_before: bool,
}

/// All that one player asked for and was told.
#[derive(Debug, Default)]
pub(crate) struct Account {
    requests: Vec<Request>,
    /// By version: two of one version are one wallet.
    wallets: BTreeMap<i64, Wallet>,
}

/// What the casino has in its books of one player.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) trades: Vec<Trade>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) wallet: Wallet,
}

impl Request {
    /// Dollars, tokens or stocks, as its kind has it; no other request of its player has the same.
    pub(crate) fn amount(&self) -> i32 {
        match self.wanted {
            Wanted::Deposit => DEPOSIT_DOLLARS + self.number,
            Wanted::Withdrawal => 5 * self.number,
            Wanted::Trade(..) => self.number,
        }
    }

    /// Takes what was said to it, in any life.
    fn hear(&mut self, said: Said) {
        match said {
            Said::Nothing => self.open_now |= self.answer.is_none(),
            Said::NotDone | Said::NotDoneAndStopping => {
                assert_eq!(
                    self.answer, None,
                    "{self:?} was answered before, and now is said not to be done"
                );
                // What was sent in this life by another way may still be on that way.
                self.open_now &= said == Said::NotDone;
                self.open_before = false;
            }
            Said::Answer(answer) => {
                let before = self.answer.get_or_insert_with(|| answer.clone());
                assert_eq!(
                    *before, answer,
                    "request {} was answered differently before",
                    self.number
                );
                (self.open_now, self.open_before) = (false, false);
            }
        }
    }

    /// Takes an entry of the books that is its own.
    fn is_kept_as(&mut self, kept: &Answer) {
        let was_open = self.open_before && self.answer.is_none();
        let was_told = match (&self.answer, kept) {
            (Some(Answer::Bought(tokens)), Answer::Paid(kept)) => *tokens == -5 * kept.amount,
            (Some(told), kept) => told == kept,
            (None, _) => false,
        };
        assert!(was_open || was_told, "{kept:?} is kept, of {self:?}");
        // A second entry finds nothing open and nothing told.
        (self.open_before, self.answer) = (false, None);
    }
}

impl Account {
    /// A new request, with or without `id`: where it is.
    pub(crate) fn request(&mut self, wanted: Wanted, id: Option<[u8; 16]>) -> usize {
        let number = i32::try_from(self.requests.len()).unwrap() + 1;
        self.requests.push(Request {
            number,
            wanted,
            id,
            answer: None,
            open_now: false,
            open_before: false,
        });
        self.requests.len() - 1
    }

    pub(crate) fn at(&self, place: usize) -> &Request {
        &self.requests[place]
    }

    /// Those that may be sent again: first whose fate is open, then those that were answered.
    pub(crate) fn repeatable(&self, of: impl Fn(Wanted) -> bool) -> (Vec<usize>, Vec<usize>) {
        let known = |place: &usize| self.requests[*place].id.is_some() && of(self.requests[*place].wanted);
        let places = (0..self.requests.len()).filter(known);
        places.partition(|place| self.requests[*place].answer.is_none())
    }

    /// What was said to the request at `place` after it was sent once.
    pub(crate) fn hear(&mut self, place: usize, said: Said) {
        self.requests[place].hear(said);
    }

    /// A wallet that was told.
    pub(crate) fn hear_wallet(&mut self, wallet: Wallet) {
        let before = self.wallets.entry(wallet.version).or_insert(wallet);
        assert_eq!(*before, wallet, "of one version");
    }

    /// The casino is gone: what was on its way does not come any more.
    pub(crate) fn life_ends(&mut self) {
        for request in &mut self.requests {
            request.open_before |= std::mem::take(&mut request.open_now);
        }
    }

    /// That `books` have what was answered, and otherwise only what was asked and left open; that each entry is there
    /// once; and that the wallet is the sum of them. `price_of` tells the price of a tick.
    pub(crate) fn audit(mut self, books: &Books, price_of: impl Fn(i64) -> Option<i32>) {
        self.life_ends();
        let Books {
            trades,
            payments,
            wallet,
        } = books;
        assert!(
            trades
                .iter()
                .map(|trade| trade.number)
                .eq((1..).take(trades.len()))
        );
        assert!(
            payments
                .iter()
                .map(|paid| paid.number)
                .eq((1..).take(payments.len()))
        );
        let (mut tokens, mut stocks, mut dollars) = (0_i64, 0, [0, 0]);
        for payment in payments {
            let amount = i64::from(payment.amount);
            tokens -= 5 * amount;
            dollars[usize::from(amount > 0)] += amount.abs();
            let (number, wanted) = match payment.amount {
                ..0 => (-payment.amount - DEPOSIT_DOLLARS, Wanted::Deposit),
                _ => (payment.amount, Wanted::Withdrawal),
            };
            self.kept(number, wanted)
                .is_kept_as(&Answer::Paid(payment.clone()));
        }
        for trade in trades {
            let count = match trade.r#type() {
                ActionType::Buy => trade.stocks_count,
                ActionType::Sell => -trade.stocks_count,
            };
            (tokens, stocks) = (tokens - i64::from(count) * i64::from(trade.price), stocks + count);
            assert_eq!(price_of(trade.tick), Some(trade.price), "{trade:?}");
            let request = &self.requests[usize::try_from(trade.stocks_count - 1).unwrap()];
            let Wanted::Trade(side, limit) = request.wanted else {
                panic!("nobody asked for {trade:?}")
            };
            let is_within = match side {
                ActionType::Buy => limit == 0 || trade.price <= limit,
                ActionType::Sell => trade.price >= limit,
            };
            assert!(side == trade.r#type() && is_within, "{trade:?} of {request:?}");
            let request = self.kept(trade.stocks_count, request.wanted);
            request.is_kept_as(&Answer::Traded(*trade));
        }
        self.nothing_is_missing();
        let owned = (
            i64::from(wallet.tokens),
            wallet.stocks,
            [wallet.dollars_in, wallet.dollars_out],
        );
        assert_eq!(owned, (tokens, stocks, dollars));
        assert_eq!(
            wallet.version,
            i64::try_from(trades.len() + payments.len()).unwrap()
        );
        self.hear_wallet(*wallet);
        assert!(
            self.wallets.range(wallet.version + 1..).next().is_none(),
            "none told is newer"
        );
    }

    fn kept(&mut self, number: i32, wanted: Wanted) -> &mut Request {
        let request = usize::try_from(number - 1)
            .ok()
            .and_then(|place| self.requests.get_mut(place));
        let request = request.filter(|request| request.wanted == wanted);
        request.unwrap_or_else(|| panic!("nobody asked for {wanted:?} {number}"))
    }

    /// Every answered entry was found, and so was taken.
    fn nothing_is_missing(&self) {
        for request in &self.requests {
            let left = &request.answer;
            assert!(
                matches!(left, None | Some(Answer::Refused(_))),
                "{request:?} is missing"
            );
        }
    }
}
