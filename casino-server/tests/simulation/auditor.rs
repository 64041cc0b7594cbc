//! A model of one player: records every request and response, then compares them with the ledger.
//!
//! The model has no time, tasks or network. Every request of a player has a different amount, so a ledger entry
//! identifies the request that caused it.

use std::collections::BTreeMap;

use awesomestock_proto::{
    casino::{ActionType, Trade, Wallet},
    types::Payment,
};

/// Dollars of a deposit in addition to its request number; pays for the trades before the next deposit.
const DEPOSIT_DOLLARS: i32 = 2_000;

/// What a request asks for. The amount follows from its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Deposit,
    Withdrawal,
    /// Limit price; 0 is no limit.
    Trade(ActionType, i32),
}

/// The final answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Tokens bought.
    Bought(i32),
    Paid(Payment),
    Traded(Trade),
    Rejected(String),
}

/// The result of sending a request once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Response {
    Answer(Answer),
    /// Not executed; the request may be sent again.
    NotExecuted,
    /// Not executed, and the casino executes nothing any more.
    NotExecutedShuttingDown,
    /// No response, or the casino does not know the outcome.
    Unknown,
}

/// A request, which may be sent several times.
#[derive(Debug)]
pub(crate) struct Request {
    /// Position among the player's requests, from 1.
    pub(crate) number: i32,
    pub(crate) kind: RequestKind,
    /// Request ID, if the request may be sent again.
    pub(crate) id: Option<[u8; 16]>,
    answer: Option<Answer>,
    /// Sent in this or in an earlier lifetime of the casino without an answer, so it may have been executed.
    open_in_this_lifetime: bool,
    open_in_earlier_lifetime: bool,
}

/// Every request of one player and every wallet the player received.
#[derive(Debug, Default)]
pub(crate) struct Account {
    requests: Vec<Request>,
    /// By version; all wallets of one version must be equal.
    wallets: BTreeMap<i64, Wallet>,
}

/// A player's account as the casino reports it after the simulation.
#[derive(Debug)]
pub(crate) struct StoredAccount {
    pub(crate) trades: Vec<Trade>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) wallet: Wallet,
}

impl Request {
    /// Amount in the unit of the request's kind, unique among the requests of that kind.
    pub(crate) fn amount(&self) -> i32 {
        match self.kind {
            RequestKind::Deposit => DEPOSIT_DOLLARS + self.number,
            RequestKind::Withdrawal => 5 * self.number,
            RequestKind::Trade(..) => self.number,
        }
    }

    /// Records the response to one attempt.
    fn record(&mut self, response: Response) {
        match response {
            Response::Unknown => self.open_in_this_lifetime |= self.answer.is_none(),
            Response::NotExecuted | Response::NotExecutedShuttingDown => {
                assert_eq!(
                    self.answer, None,
                    "{self:?} was answered before, and is now reported as not executed"
                );
                // An earlier attempt of this lifetime may still be on its way.
                self.open_in_this_lifetime &= response == Response::NotExecuted;
                self.open_in_earlier_lifetime = false;
            }
            Response::Answer(answer) => {
                let before = self.answer.get_or_insert_with(|| answer.clone());
                assert_eq!(
                    *before, answer,
                    "request {} was answered differently before",
                    self.number
                );
                (self.open_in_this_lifetime, self.open_in_earlier_lifetime) = (false, false);
            }
        }
    }

    /// Matches a ledger entry with this request.
    fn match_entry(&mut self, entry: &Answer) {
        let was_open = self.open_in_earlier_lifetime && self.answer.is_none();
        let was_answered = match (&self.answer, entry) {
            (Some(Answer::Bought(tokens)), Answer::Paid(payment)) => *tokens == -5 * payment.amount,
            (Some(answer), entry) => answer == entry,
            (None, _) => false,
        };
        assert!(
            was_open || was_answered,
            "unexpected entry {entry:?} for {self:?}"
        );
        // A second entry for this request must fail.
        (self.open_in_earlier_lifetime, self.answer) = (false, None);
    }
}

impl Account {
    /// Adds a new request and returns its index.
    pub(crate) fn request(&mut self, kind: RequestKind, id: Option<[u8; 16]>) -> usize {
        let number = i32::try_from(self.requests.len()).unwrap() + 1;
        self.requests.push(Request {
            number,
            kind,
            id,
            answer: None,
            open_in_this_lifetime: false,
            open_in_earlier_lifetime: false,
        });
        self.requests.len() - 1
    }

    pub(crate) fn get(&self, index: usize) -> &Request {
        &self.requests[index]
    }

    /// Indexes of the requests that may be sent again: first the unanswered ones, then the answered ones.
    pub(crate) fn repeatable(&self, filter: impl Fn(RequestKind) -> bool) -> (Vec<usize>, Vec<usize>) {
        let is_repeatable =
            |index: &usize| self.requests[*index].id.is_some() && filter(self.requests[*index].kind);
        let indexes = (0..self.requests.len()).filter(is_repeatable);
        indexes.partition(|index| self.requests[*index].answer.is_none())
    }

    /// Records the response to one attempt of the request at `index`.
    pub(crate) fn record(&mut self, index: usize, response: Response) {
        self.requests[index].record(response);
    }

    /// Records a wallet that the player received.
    pub(crate) fn record_wallet(&mut self, wallet: Wallet) {
        let before = self.wallets.entry(wallet.version).or_insert(wallet);
        assert_eq!(*before, wallet, "of one version");
    }

    /// Ends the casino's lifetime: attempts without a response get none any more.
    pub(crate) fn end_lifetime(&mut self) {
        for request in &mut self.requests {
            request.open_in_earlier_lifetime |= std::mem::take(&mut request.open_in_this_lifetime);
        }
    }

    /// Checks that `stored` contains each answered request exactly once, otherwise only requests whose outcome was left
    /// open, and that the wallet is the sum of the entries. `price_of` returns the price of a tick.
    pub(crate) fn audit(mut self, stored: &StoredAccount, price_of: impl Fn(i64) -> Option<i32>) {
        self.end_lifetime();
        let StoredAccount {
            trades,
            payments,
            wallet,
        } = stored;
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
            let (number, kind) = match payment.amount {
                ..0 => (-payment.amount - DEPOSIT_DOLLARS, RequestKind::Deposit),
                _ => (payment.amount, RequestKind::Withdrawal),
            };
            self.request_for(number, kind)
                .match_entry(&Answer::Paid(payment.clone()));
        }
        for trade in trades {
            let count = match trade.r#type() {
                ActionType::Buy => trade.stocks_count,
                ActionType::Sell => -trade.stocks_count,
            };
            (tokens, stocks) = (tokens - i64::from(count) * i64::from(trade.price), stocks + count);
            assert_eq!(price_of(trade.tick), Some(trade.price), "{trade:?}");
            let request = &self.requests[usize::try_from(trade.stocks_count - 1).unwrap()];
            let RequestKind::Trade(side, limit) = request.kind else {
                panic!("no request matches {trade:?}")
            };
            let is_within = match side {
                ActionType::Buy => limit == 0 || trade.price <= limit,
                ActionType::Sell => trade.price >= limit,
            };
            assert!(side == trade.r#type() && is_within, "{trade:?} of {request:?}");
            let request = self.request_for(trade.stocks_count, request.kind);
            request.match_entry(&Answer::Traded(*trade));
        }
        self.assert_all_matched();
        let actual = (
            i64::from(wallet.tokens),
            wallet.stocks,
            [wallet.dollars_in, wallet.dollars_out],
        );
        assert_eq!(actual, (tokens, stocks, dollars));
        assert_eq!(
            wallet.version,
            i64::try_from(trades.len() + payments.len()).unwrap()
        );
        self.record_wallet(*wallet);
        assert!(
            self.wallets.range(wallet.version + 1..).next().is_none(),
            "a received wallet is newer than the stored one"
        );
    }

    fn request_for(&mut self, number: i32, kind: RequestKind) -> &mut Request {
        let request = usize::try_from(number - 1)
            .ok()
            .and_then(|index| self.requests.get_mut(index));
        let request = request.filter(|request| request.kind == kind);
        request.unwrap_or_else(|| panic!("no request matches {kind:?} {number}"))
    }

    /// Every answered entry was matched, which clears its answer.
    fn assert_all_matched(&self) {
        for request in &self.requests {
            let unmatched = &request.answer;
            assert!(
                matches!(unmatched, None | Some(Answer::Rejected(_))),
                "{request:?} is missing"
            );
        }
    }
}
