//! Client messages from decoding to the open batch, checked against a model that is built from the entries alone.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a check fails by a panic"
)]

use std::collections::HashMap;
use std::sync::Arc;

use awesomestock_proto::capabilities::Capabilities;
use awesomestock_proto::casino::{
    Action, ActionResult, CandlesRequest, GambleInfo, GambleType, PriceHistoryRequest, TradesRequest,
    WithdrawRequest,
};
use awesomestock_proto::frame::GambleFrame;
use awesomestock_proto::text::sanitize;
use awesomestock_proto::types;
use prost::Message;
use tonic::Status;

use crate::domain::account::{Account, Rejection};
use crate::domain::market::{Market, PriceModel};
use crate::domain::money::{Dollars, Price, TOKENS_PER_DOLLAR, Tokens, UnixMillis};
use crate::domain::order::request::{OrderRequest, RequestId, StoredAnswer};
use crate::domain::order::resting::DueOrder;
use crate::domain::order::{AccountRecord, Command, Decision, LedgerEntry, Side};
use crate::domain::player::{LegacyNames, PlayerName};
use crate::grpc::{convert, paging};
use crate::ledger::MarketState;
use crate::ledger::batch::OpenBatch;
use crate::ledger::idempotency::RecentRequests;
use crate::ledger::watermark::BatchId;
use crate::store::{IdCounters, PageRequest};

/// Executes `data` as steps of one byte, most of them followed by a message with a length of one byte. The first
/// byte is the rate limit per second; 0: unlimited.
///
/// # Panics
///
/// If the model and the accounts differ.
pub fn requests(data: &[u8]) {
    let Some((rate, mut rest)) = data.split_first() else {
        return;
    };
    let mut model = Model::open(*rate);
    while let Some((step, tail)) = rest.split_first() {
        rest = tail;
        model.take(*step, &mut rest);
    }
    model.commit();
}

/// Decodes the next message, whose first byte is its length.
fn message<M: Message + Default>(input: &mut &[u8]) -> Option<M> {
    let (length, tail) = input.split_first()?;
    let (message, tail) = tail.split_at(usize::from(*length).min(tail.len()));
    *input = tail;
    M::decode(message).ok()
}

/// An account computed from its entries.
#[derive(Debug, Clone, Copy, Default)]
struct ModelAccount {
    tokens: i128,
    stocks: i128,
    dollars_in: i128,
    dollars_out: i128,
    changes: i64,
}

impl ModelAccount {
    fn apply(&mut self, entry: LedgerEntry) {
        match entry {
            LedgerEntry::Payment(payment) => {
                let dollars = i128::from(payment.amount);
                self.tokens -= dollars * i128::from(TOKENS_PER_DOLLAR);
                self.dollars_in += (-dollars).max(0);
                self.dollars_out += dollars.max(0);
            }
            LedgerEntry::Trade(trade) => {
                let count = match trade.side {
                    Side::Buy => i128::from(trade.count.0),
                    Side::Sell => -i128::from(trade.count.0),
                };
                self.tokens -= count * i128::from(trade.price.get());
                self.stocks += count;
            }
            LedgerEntry::Accepted | LedgerEntry::Cancelled => return,
        }
        self.changes += 1;
    }

    fn check(self, account: &Account) {
        let owned = (i128::from(account.tokens.0), i128::from(account.stocks.0));
        assert_eq!(owned, (self.tokens, self.stocks), "{account:?}");
        let paid = (i128::from(account.dollars_in), i128::from(account.dollars_out));
        assert_eq!(paid, (self.dollars_in, self.dollars_out), "{account:?}");
        assert_eq!(account.version, self.changes, "{account:?}");
        assert!(self.tokens >= 0 && self.stocks >= 0 && account.cost_basis >= 0);
        assert!(self.stocks > 0 || account.cost_basis == 0, "{account:?}");
        let net = i128::from(TOKENS_PER_DOLLAR) * (self.dollars_in - self.dollars_out);
        assert_eq!(
            self.tokens + i128::from(account.cost_basis),
            net + i128::from(account.realised_pnl),
            "{account:?}"
        );
    }
}

/// The model's state, restored by a rollback.
#[derive(Clone)]
struct ModelState {
    market: Market,
    accounts: HashMap<PlayerName, ModelAccount>,
    answers: HashMap<(PlayerName, RequestId), (Command, Decision)>,
}

/// The open batch and the model.
struct Model {
    batch: OpenBatch,
    open_state: ModelState,
    /// As committed.
    committed: ModelState,
    records: HashMap<PlayerName, (AccountRecord, Vec<StoredAnswer>)>,
    resolved: BatchId,
    entries: usize,
    at: UnixMillis,
    /// Player of the last action on the stream.
    last_player: Option<PlayerName>,
}

impl Model {
    fn open(rate: u8) -> Self {
        let market = Market::new(PriceModel::Classic, 7, Price::MIN, UnixMillis(0));
        let state = MarketState {
            rate: u32::from(rate).try_into().ok(),
            ..market.into()
        };
        let batch = OpenBatch::new(state, IdCounters::default(), []);
        let open_state = ModelState {
            market,
            accounts: HashMap::new(),
            answers: HashMap::new(),
        };
        Self {
            batch,
            committed: open_state.clone(),
            open_state,
            records: HashMap::new(),
            resolved: BatchId::NONE,
            entries: 0,
            at: UnixMillis(0),
            last_player: None,
        }
    }

    /// The clock mostly advances and sometimes jumps.
    fn take(&mut self, step: u8, input: &mut &[u8]) {
        self.at = match step {
            0xff => UnixMillis(i64::MAX),
            0xfe => UnixMillis(i64::MIN),
            _ => UnixMillis(self.at.0.saturating_add(i64::from(step))),
        };
        match step % 16 {
            0..=2 => self.buy_tokens(input),
            3..=5 => self.withdraw(input),
            6..=11 => self.act(input),
            12 => self.tick(),
            13 => self.commit(),
            14 => self.roll_back(),
            _ => pages(input),
        }
    }

    fn buy_tokens(&mut self, input: &mut &[u8]) {
        let Some(payment) = message::<types::Payment>(input) else {
            return;
        };
        let command = Command::Deposit(Dollars(payment.amount));
        self.pay(payment.user.as_ref(), command, &payment.id, payment.round);
    }

    fn withdraw(&mut self, input: &mut &[u8]) {
        let Some(request) = message::<WithdrawRequest>(input) else {
            return;
        };
        let command = Command::Withdraw(Tokens(request.tokens_cnt));
        self.pay(request.user.as_ref(), command, &request.id, request.round);
    }

    fn pay(&mut self, user: Option<&types::User>, command: Command, id: &[u8], round: Option<i64>) {
        let player = match convert::parse_player(&LegacyNames::default(), user) {
            Ok(player) => player,
            Err(error) => return check_status(&error.into()),
        };
        match convert::parse_request(command, id, round) {
            Err(error) => check_status(&error.into()),
            Ok(request) => match self.decide(&player, request).result {
                Err(rejection) => check_status(&rejection.into()),
                Ok(LedgerEntry::Payment(payment)) => {
                    let answer_sent = convert::payment(&player, payment);
                    assert_eq!(answer_sent.amount, payment.amount);
                    assert!(payment.tokens().0 > 0 && payment.amount != 0);
                }
                Ok(entry) => panic!("a payment was taken for {entry:?}"),
            },
        }
    }

    fn act(&mut self, input: &mut &[u8]) {
        let Some(action) = message::<Action>(input) else {
            return;
        };
        match convert::parse_action(&action, &mut self.last_player, &LegacyNames::default()) {
            Err(error) => {
                for feeds in [Capabilities::default(), Capabilities::ALL] {
                    assert!(!answered(&convert::rejected(&error, feeds), feeds).msg.is_empty());
                }
            }
            Ok((player, request)) => {
                assert_eq!(action.user.map(|user| user.id).as_deref(), Some(player.as_str()));
                let decision = self.decide(&player, request);
                for feeds in [Capabilities::default(), Capabilities::ALL] {
                    let answer_sent = answered(&convert::order_result(&decision, None, feeds), feeds);
                    assert_eq!(
                        matches!(decision.result, Ok(LedgerEntry::Trade(_))),
                        answer_sent.msg == awesomestock_proto::EXECUTED_MESSAGE,
                        "{answer_sent:?}"
                    );
                }
            }
        }
    }

    /// Decides a request and compares the result with the model.
    fn decide(&mut self, player: &PlayerName, request: OrderRequest) -> Decision {
        let slot = self.slot(player);
        let before = self.batch.account(slot).expect("inserted above");
        let decided = self
            .batch
            .decide(slot, &request, self.at)
            .expect("the account is loaded");
        let after = self.batch.account(slot).expect("no account is evicted");
        let decision = decided.decision;
        let command = request.command;
        let key = request.id.map(|id| (player.clone(), id));
        if let Some(answer) = key.as_ref().and_then(|key| self.open_state.answers.get(key)) {
            assert_eq!(before, after, "what is repeated changes nothing");
            match answer {
                (first, answer_sent) if *first == command => assert_eq!(*answer_sent, decision),
                _ => assert_eq!(decision.result, Err(Rejection::DuplicateId)),
            }
            return decision;
        }
        assert_eq!(decision.account, after);
        let account_model = self.open_state.accounts.entry(player.clone()).or_default();
        match decision.result {
            Err(rejection) => {
                assert_eq!(before, after, "{rejection:?} changed something");
                assert!(decided.commits_with <= self.batch.sequence());
            }
            Ok(entry) => {
                check_entry(command, entry, self.open_state.market);
                account_model.apply(entry);
                self.entries += usize::from(!matches!(entry, LedgerEntry::Accepted));
                assert_eq!(decided.commits_with, self.batch.sequence());
            }
        }
        account_model.check(&after);
        if let Some(key) = key
            && !matches!(decision.result, Err(Rejection::RateLimited { .. }))
        {
            self.open_state.answers.insert(key, (command, decision));
        }
        decision
    }

    /// Returns the player's slot, loading the stored record if needed.
    fn slot(&mut self, player: &PlayerName) -> crate::ledger::account_cache::Slot {
        if self.batch.lookup(player).is_none() {
            let stored = self.records.get(player).cloned();
            let stored = stored.map(|(record, answers)| (record, RecentRequests::from_store(answers)));
            let inserted = self.batch.insert(player.clone(), stored, self.resolved);
            inserted.expect("there are keys enough");
        }
        self.batch.lookup(player).expect("inserted above")
    }

    fn tick(&mut self) {
        let tick = self.batch.tick(self.at).expect("there are ticks enough");
        assert_eq!(tick.number, self.open_state.market.current.number + 1);
        self.open_state.market.current = tick;
        for DueOrder { player, id, .. } in self.batch.due(0, usize::MAX) {
            let decision = self.decide(&player, Command::Trigger(id).into());
            assert_ne!(decision.result, Err(Rejection::NoOpenOrder), "a due order ends");
        }
        assert!(self.batch.due(0, 1).is_empty());
    }

    fn commit(&mut self) {
        let sealed = self.batch.seal();
        let batch = &sealed.batch;
        assert_eq!(batch.payments.len() + batch.trades.len(), self.entries);
        for (player, record) in &batch.records {
            self.open_state.accounts[player].check(&record.account);
            let stored = self.records.entry(player.clone());
            let (committed, answers) = stored.or_insert_with(|| (*record, Vec::new()));
            assert_eq!(committed.id, record.id, "an account keeps its key");
            *committed = *record;
            let own = batch.answers.iter().filter(|answer| answer.account == record.id);
            answers.extend(own);
        }
        let answers: usize = self.records.values().map(|(_, answers)| answers.len()).sum();
        assert_eq!(
            answers,
            self.open_state.answers.len(),
            "every answer to an id is on disk"
        );
        let newest = batch.ticks.last().copied();
        let newest = newest.unwrap_or(self.committed.market.current);
        assert_eq!(newest, self.open_state.market.current);
        self.committed = self.open_state.clone();
        self.resolved = sealed.sequence;
        self.entries = 0;
        self.batch.evict(self.resolved);
    }

    fn roll_back(&mut self) {
        let market = self.committed.market;
        self.batch
            .roll_back(self.batch.sequence(), market, Arc::default());
        self.open_state = self.committed.clone();
        self.entries = 0;
        let players: Vec<_> = self.open_state.accounts.keys().cloned().collect();
        for player in players {
            let slot = self.slot(&player);
            let account = self.batch.account(slot).expect("inserted above");
            self.open_state.accounts[&player].check(&account);
        }
    }
}

/// Checks that the entry matches the command and the price.
fn check_entry(command: Command, entry: LedgerEntry, market: Market) {
    let price = market.current.price;
    match (command, entry) {
        (Command::Deposit(dollars), LedgerEntry::Payment(payment)) => {
            assert!(dollars.0 >= 1);
            assert_eq!(payment.amount, -dollars.0);
        }
        (Command::Withdraw(tokens), LedgerEntry::Payment(payment)) => {
            assert!(tokens.0 >= 1);
            assert_eq!(payment.tokens(), tokens);
        }
        (Command::Buy(count) | Command::Limited(Side::Buy, count, _), LedgerEntry::Trade(trade)) => {
            assert!(count.0 >= 1);
            assert_eq!((trade.side, trade.count, trade.price), (Side::Buy, count, price));
        }
        (Command::Sell(count) | Command::Limited(Side::Sell, count, _), LedgerEntry::Trade(trade)) => {
            assert!(count.0 >= 1);
            assert_eq!((trade.side, trade.count, trade.price), (Side::Sell, count, price));
        }
        (Command::UpTo(side, count, _), LedgerEntry::Trade(trade)) => {
            assert!((1..=count.0).contains(&trade.count.0));
            assert_eq!((trade.side, trade.price), (side, price));
        }
        (Command::Rest(terms), LedgerEntry::Trade(trade)) => {
            assert!(terms.is_met(price));
            check_entry(terms.immediate(), LedgerEntry::Trade(trade), market);
        }
        (Command::Rest(terms), LedgerEntry::Accepted) => assert!(terms.count.0 >= 1 && !terms.is_met(price)),
        (Command::Trigger(_), LedgerEntry::Trade(trade)) => assert_eq!(trade.price, price),
        other => panic!("{other:?}"),
    }
    match command {
        Command::Limited(Side::Buy, _, limit) | Command::UpTo(Side::Buy, _, Some(limit)) => {
            assert!(price <= limit);
        }
        Command::Limited(Side::Sell, _, limit) | Command::UpTo(Side::Sell, _, Some(limit)) => {
            assert!(price >= limit);
        }
        _ => {}
    }
}

/// Encodes and decodes an answer. An old client must get nothing but the message.
fn answered(frame: &GambleFrame, feeds: Capabilities) -> ActionResult {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).expect("a vector takes anything");
    let info = GambleInfo::decode(bytes.as_slice()).expect("what was encoded");
    assert_eq!(info.r#type(), GambleType::ActionResult);
    let result = info.result.expect("an answer");
    assert!(!result.msg.contains(sanitize::is_unsafe), "{result:?}");
    if feeds == Capabilities::default() {
        let old = GambleInfo::from(ActionResult {
            msg: result.msg.clone(),
            ..ActionResult::default()
        });
        assert_eq!(bytes, old.encode_to_vec());
    }
    result
}

/// Checks that the message is safe to display.
pub(crate) fn check_status(status: &Status) {
    assert_ne!(status.code(), tonic::Code::Ok);
    let text = status.message();
    assert!(
        !text.is_empty() && !text.contains(sanitize::is_unsafe),
        "{text:?}"
    );
}

/// Checks that requested pages are within their bounds or rejected.
fn pages(input: &mut &[u8]) {
    let trades = message::<TradesRequest>(input).map(|of| paging::TRADES.parse(of.before_number, of.limit));
    let prices =
        message::<PriceHistoryRequest>(input).map(|of| paging::PRICES.parse(of.before_tick, of.limit));
    let candles = message::<CandlesRequest>(input).map(|of| paging::CANDLES.parse(of.before_tick, of.limit));
    for (page, max) in [(trades, 1_000), (prices, 10_000), (candles, 10_000)] {
        match page {
            None => {}
            Some(Ok(PageRequest { before, limit })) => {
                assert!((1..=max).contains(&limit) && before.is_none_or(|before| before > 0));
            }
            Some(Err(error)) => check_status(&error.into()),
        }
    }
}
