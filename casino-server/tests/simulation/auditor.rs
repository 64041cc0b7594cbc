//! A model of one player: records every request and response, then compares them with the ledger.
//!
//! The model has no time, tasks or network. Every request of a player has a different amount, so a ledger entry
//! identifies the request that caused it, be it on the player's own account or on one of a round.

use std::collections::BTreeMap;

use awesomestock_proto::casino::{ActionType, Order, OrderState, Orders, Trade, Wallet};
use awesomestock_proto::types::Payment;
use awesomestock_proto::values::{ENDED_ORDERS_MAX, Trigger};

/// Dollars of a deposit in addition to its request number; pays for the trades before the next deposit.
const DEPOSIT_DOLLARS: i32 = 2_000;

/// Dollars that an account begins with.
pub(crate) const STAKE: i32 = 10_000;

/// Bit of a wallet's version from which on it holds the epoch of the account: even ones are rounds.
const EPOCH_BIT: u32 = 39;

/// What a request asks for. The amount follows from its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Deposit,
    Withdrawal,
    /// Limit price; 0 is no limit.
    Trade(ActionType, i32),
    /// An order that rests until this price meets it.
    Rest(ActionType, Trigger, i32),
}

impl RequestKind {
    pub(crate) fn is_action(self) -> bool {
        matches!(self, Self::Trade(..) | Self::Rest(..))
    }

    /// Returns whether an action may execute at `price`.
    fn allows(self, trade: &Trade) -> bool {
        let (side, is_within) = match self {
            Self::Trade(ActionType::Buy, limit) => (ActionType::Buy, limit == 0 || trade.price <= limit),
            Self::Trade(ActionType::Sell, limit) => (ActionType::Sell, trade.price >= limit),
            Self::Rest(side, trigger, price) => {
                let falls = (side == ActionType::Buy) == (trigger == Trigger::Limit);
                let is_met = if falls {
                    trade.price <= price
                } else {
                    trade.price >= price
                };
                (side, is_met)
            }
            Self::Deposit | Self::Withdrawal => return false,
        };
        side == trade.r#type() && is_within
    }
}

/// The final answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Tokens bought.
    Bought(i32),
    Paid(Payment),
    /// A trade on the player's account in a round, or on the own one.
    Traded(Option<i64>, Trade),
    Rejected(String),
    /// The order rests. The only answer that changes, once.
    Accepted,
    Cancelled,
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
    /// The player has tried to cancel the order.
    is_cancelled: bool,
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
    /// Ended orders that the player received, by their end number.
    ended: BTreeMap<i64, Order>,
}

/// A player's account as the casino reports it after the simulation.
#[derive(Debug)]
pub(crate) struct StoredAccount {
    pub(crate) trades: Vec<Trade>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) wallet: Wallet,
    pub(crate) orders: Orders,
}

/// A player's account in a round as it is stored.
#[derive(Debug)]
pub(crate) struct RoundAccount {
    pub(crate) round: i64,
    pub(crate) trades: Vec<Trade>,
    /// In dollars.
    pub(crate) payments: Vec<i32>,
}

impl RoundAccount {
    fn version(&self) -> i64 {
        i64::try_from(self.trades.len() + self.payments.len()).unwrap()
    }

    /// Returns the profit at `price`, in tokens.
    pub(crate) fn profit(&self, price: i32) -> i64 {
        let (tokens, stocks) = earned(&self.trades);
        tokens + i64::from(stocks) * i64::from(price)
    }
}

/// Returns the tokens that `trades` earned, and the stocks afterwards.
fn earned(trades: &[Trade]) -> (i64, i32) {
    let (mut tokens, mut stocks) = (0, 0);
    for trade in trades {
        let count = match trade.r#type() {
            ActionType::Buy => trade.stocks_count,
            ActionType::Sell => -trade.stocks_count,
        };
        tokens -= i64::from(count) * i64::from(trade.price);
        stocks += count;
    }
    (tokens, stocks)
}

/// Returns the round of the account whose wallet has this version; `None` for the player's own one.
pub(crate) fn round_of(version: i64) -> Option<i64> {
    let epoch = version >> EPOCH_BIT;
    (epoch > 0 && epoch % 2 == 0).then_some(epoch / 2)
}

impl Request {
    /// Amount in the unit of the request's kind, unique among the requests of that kind.
    pub(crate) fn amount(&self) -> i32 {
        match self.kind {
            RequestKind::Deposit => DEPOSIT_DOLLARS + self.number,
            RequestKind::Withdrawal => 5 * self.number,
            RequestKind::Trade(..) | RequestKind::Rest(..) => self.number,
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
                // A resting order may have ended.
                let known = self.answer.take().filter(|before| *before != Answer::Accepted);
                let before = self.answer.insert(known.unwrap_or_else(|| answer.clone()));
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
            // Executed while the player was away.
            (Some(Answer::Accepted), Answer::Traded(None, _)) => true,
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
            is_cancelled: false,
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

    /// Returns the indexes of the orders that may rest.
    pub(crate) fn resting(&self) -> Vec<usize> {
        let orders = self.requests.iter().zip(0..);
        let may_rest = |request: &Request| matches!(request.kind, RequestKind::Rest(..));
        orders
            .filter(|(request, _)| may_rest(request))
            .map(|(_, index)| index)
            .collect()
    }

    /// Records that the player tries to cancel the order at `index`.
    pub(crate) fn cancel(&mut self, index: usize) {
        self.requests[index].is_cancelled = true;
    }

    /// Records an order that has ended.
    pub(crate) fn record_end(&mut self, mut order: Order) {
        // Differs from call to call.
        order.cancelled_by_call = None;
        let answer = match order.state() {
            OrderState::OrderFilled => Answer::Traded(None, order.trade.unwrap()),
            OrderState::OrderCancelled => Answer::Cancelled,
            OrderState::OrderRefused => Answer::Rejected(order.msg.clone()),
            OrderState::OrderOpen | OrderState::OrderUnspecified => panic!("{order:?} has not ended"),
        };
        assert!(order.end_number > 0, "{order:?}");
        self.order_request(&order).record(Response::Answer(answer));
        match self.ended.get(&order.end_number) {
            Some(before) => assert_eq!(*before, order, "it ended differently before"),
            None => drop(self.ended.insert(order.end_number, order)),
        }
    }

    /// Returns the request that placed `order`.
    fn order_request(&mut self, order: &Order) -> &mut Request {
        let number = usize::try_from(order.stocks_count - 1).unwrap();
        let request = self.requests.get_mut(number);
        let is_placed = |request: &&mut Request| {
            matches!(request.kind, RequestKind::Rest(..))
                && request.id.map(Vec::from).as_ref() == Some(&order.id)
                && (order.state() != OrderState::OrderCancelled || request.is_cancelled)
        };
        let request = request.filter(is_placed);
        request.unwrap_or_else(|| panic!("no request matches {order:?}"))
    }

    /// Checks the stored orders: each is known, and each accepted one is there. Fills are matched with the trades.
    fn audit_orders(&mut self, stored: &Orders) {
        let is_complete = stored.ended.len() < usize::try_from(ENDED_ORDERS_MAX).unwrap();
        let oldest = stored.ended.first().map_or(0, |order| order.end_number);
        for (number, order) in std::mem::take(&mut self.ended) {
            let is_listed = stored.ended.contains(&order);
            assert!(
                is_listed || (!is_complete && number < oldest),
                "{order:?} is missing"
            );
        }
        let ended = stored.ended.iter().map(|order| order.end_number);
        assert!(ended.is_sorted_by(|a, b| a < b), "each end has a number");
        for order in &stored.ended {
            self.record_end(order.clone());
        }
        for order in &stored.open {
            assert_eq!((order.state(), order.end_number), (OrderState::OrderOpen, 0));
            let request = self.order_request(order);
            let is_open = match request.answer {
                None => request.open_in_earlier_lifetime,
                Some(Answer::Accepted) => true,
                Some(_) => false,
            };
            assert!(is_open, "{request:?} is open");
            (request.answer, request.open_in_earlier_lifetime) = (None, false);
        }
        for request in &mut self.requests {
            match request.answer {
                Some(Answer::Accepted) if is_complete => panic!("{request:?} is missing"),
                // Its fill, if any, is among the trades.
                Some(Answer::Cancelled) => request.answer = None,
                _ => {}
            }
        }
    }

    /// Checks an order that another session of the player has placed: the connection of its answer may be gone.
    pub(crate) fn check_placed(&mut self, order: &Order) {
        self.order_request(order);
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

    /// Checks that `stored` and the accounts in `rounds` contain each answered request exactly once, otherwise only requests
    /// whose outcome was left open, and that the wallets are the sums of the entries. `price_of` returns the price of a
    /// tick.
    pub(crate) fn audit(
        mut self,
        stored: &StoredAccount,
        rounds: &[RoundAccount],
        price_of: impl Fn(i64) -> Option<i32>,
    ) {
        self.end_lifetime();
        let StoredAccount {
            trades,
            payments,
            orders,
            wallet,
        } = stored;
        self.audit_orders(orders);
        for account in rounds {
            self.audit_round(account, &price_of);
        }
        assert!(
            payments
                .iter()
                .map(|paid| paid.number)
                .eq((1..).take(payments.len()))
        );
        let (mut tokens, mut dollars) = (0_i64, [0, 0]);
        for payment in payments {
            let amount = i64::from(payment.amount);
            tokens -= 5 * amount;
            dollars[usize::from(amount > 0)] += amount.abs();
            let (number, kind) = match payment.amount {
                _ if payment.number == 1 => {
                    assert_eq!(payment.amount, -STAKE);
                    continue;
                }
                ..0 => (-payment.amount - DEPOSIT_DOLLARS, RequestKind::Deposit),
                _ => (payment.amount, RequestKind::Withdrawal),
            };
            self.request_for(number, kind)
                .match_entry(&Answer::Paid(payment.clone()));
        }
        let (earned, stocks) = self.match_trades(None, trades, &price_of);
        tokens += earned;
        self.assert_all_matched();
        let mut changes = payments.len() + trades.len();
        if payments.is_empty() {
            // The wallet shows the stake before the first command.
            (tokens, dollars, changes) = (5 * i64::from(STAKE), [i64::from(STAKE), 0], 1);
        }
        let actual = (
            i64::from(wallet.tokens),
            wallet.stocks,
            [wallet.dollars_in, wallet.dollars_out],
        );
        assert_eq!(actual, (tokens, stocks, dollars));
        assert_eq!(round_of(wallet.version), None);
        assert_eq!(wallet.version % (1 << EPOCH_BIT), i64::try_from(changes).unwrap());
        self.record_wallet(*wallet);
        assert!(
            self.wallets.range(wallet.version + 1..).next().is_none(),
            "a received wallet is newer than the stored one"
        );
    }

    /// Checks the player's account in a round.
    fn audit_round(&mut self, account: &RoundAccount, price_of: impl Fn(i64) -> Option<i32>) {
        let RoundAccount {
            round,
            trades,
            payments,
        } = account;
        assert_eq!(payments, &[-STAKE], "round {round}");
        let (earned, stocks) = self.match_trades(Some(*round), trades, price_of);
        let mut wallets = self.wallets.values();
        let newest = wallets.rfind(|wallet| round_of(wallet.version) == Some(*round));
        if let Some(newest) = newest.filter(|newest| newest.version % (1 << EPOCH_BIT) == account.version()) {
            let tokens = i64::from(newest.tokens) - 5 * i64::from(STAKE);
            assert_eq!((tokens, newest.stocks), (earned, stocks), "round {round}");
        }
    }

    /// Matches the trades of an account with their requests. Returns the tokens that they earned, and the stocks.
    fn match_trades(
        &mut self,
        round: Option<i64>,
        trades: &[Trade],
        price_of: impl Fn(i64) -> Option<i32>,
    ) -> (i64, i32) {
        assert!(
            trades
                .iter()
                .map(|trade| trade.number)
                .eq((1..).take(trades.len()))
        );
        for trade in trades {
            assert_eq!(price_of(trade.tick), Some(trade.price), "{trade:?}");
            let request = &self.requests[usize::try_from(trade.stocks_count - 1).unwrap()];
            assert!(request.kind.allows(trade), "{trade:?} of {request:?}");
            let request = self.request_for(trade.stocks_count, request.kind);
            request.match_entry(&Answer::Traded(round, *trade));
        }
        earned(trades)
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
