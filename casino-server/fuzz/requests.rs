//! Whatever clients send: bytes to messages, through the checks at the border, to the ledger's draft.
//!
//! Owns a second account book, kept by nothing but the entries that the draft leaves, against which every account is
//! held. Nothing is created or lost, a refusal changes nothing, an id is executed once, and what is rolled back has not
//! happened.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a check fails by a panic"
)]

use std::collections::HashMap;

use awesomestock_proto::{
    casino::{
        Action, ActionResult, CandlesRequest, GambleInfo, GambleType, PriceHistoryRequest, TradesRequest,
        WithdrawRequest,
    },
    text, types,
};
use prost::Message;
use tonic::Status;

use super::{draft::Draft, fate::Sequence, receipts::Receipts};
use crate::{
    account::{Account, Refusal},
    feeds::{CompanyFeeds, Feeds},
    identity::PlayerName,
    market::{Market, Model},
    paging,
    quantity::{Dollars, Price, TOKENS_PER_DOLLAR, Tokens, UnixMillis},
    receipt::{Filed, RequestId, Submission},
    record::{Command, Decision, Entry, Record, Side},
    store::{Numbers, PageRequest},
    wire::{self, Said},
};

/// Everything that a client can ask to be told.
const ALL_FEEDS: Feeds = Feeds {
    ticks: true,
    wallet: true,
    limits: true,
    ids: true,
    company: CompanyFeeds {
        tape: true,
        players: true,
        leaderboard: true,
    },
};

/// Plays `data` as steps of one byte, most of which are followed by the length of a message, one byte, and the message.
/// The first byte is how many commands a player may have decided in a second; 0: any number.
///
/// # Panics
///
/// When the books do not balance.
pub fn requests(data: &[u8]) {
    let Some((rate, mut rest)) = data.split_first() else {
        return;
    };
    let mut table = Table::open(*rate);
    while let Some((step, behind)) = rest.split_first() {
        rest = behind;
        table.take(*step, &mut rest);
    }
    table.commit();
}

/// The next message of `input`, whose first byte is its length; `None`: that is no message.
fn message<M: Message + Default>(input: &mut &[u8]) -> Option<M> {
    let (length, behind) = input.split_first()?;
    let (message, behind) = behind.split_at(usize::from(*length).min(behind.len()));
    *input = behind;
    M::decode(message).ok()
}

/// What a player owns, by the entries alone.
#[derive(Debug, Clone, Copy, Default)]
struct Purse {
    tokens: i128,
    stocks: i128,
    dollars_in: i128,
    dollars_out: i128,
    changes: i64,
}

impl Purse {
    fn enter(&mut self, entry: Entry) {
        match entry {
            Entry::Payment(payment) => {
                let dollars = i128::from(payment.amount);
                self.tokens -= dollars * i128::from(TOKENS_PER_DOLLAR);
                self.dollars_in += (-dollars).max(0);
                self.dollars_out += dollars.max(0);
            }
            Entry::Trade(trade) => {
                let count = match trade.side {
                    Side::Buy => i128::from(trade.count.0),
                    Side::Sell => -i128::from(trade.count.0),
                };
                self.tokens -= count * i128::from(trade.price.get());
                self.stocks += count;
            }
        }
        self.changes += 1;
    }

    /// Holds `account` against the entries.
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

/// What holds at some moment: all of it goes back with a batch that the disk refuses.
#[derive(Clone)]
struct Held {
    market: Market,
    purses: HashMap<PlayerName, Purse>,
    answers: HashMap<(PlayerName, RequestId), (Command, Decision)>,
}

/// The table: the draft, and the second book beside it.
struct Table {
    draft: Draft,
    now: Held,
    /// On disk.
    kept: Held,
    records: HashMap<PlayerName, (Record, Vec<Filed>)>,
    settled: Sequence,
    /// Entries of the open batch.
    entries: usize,
    at: UnixMillis,
    /// Who acted last on the stream.
    known: Option<PlayerName>,
}

impl Table {
    fn open(rate: u8) -> Self {
        let market = Market::open(Model::Classic, 7, Price::MIN, UnixMillis(0));
        let mut draft = Draft::new(market, Numbers::default());
        draft.set_rate(u32::from(rate).try_into().ok());
        let now = Held {
            market,
            purses: HashMap::new(),
            answers: HashMap::new(),
        };
        Self {
            draft,
            kept: now.clone(),
            now,
            records: HashMap::new(),
            settled: Sequence::NONE,
            entries: 0,
            at: UnixMillis(0),
            known: None,
        }
    }

    /// One step. The clock mostly goes on, and sometimes jumps.
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
        self.pay(payment.user.as_ref(), command, &payment.id);
    }

    fn withdraw(&mut self, input: &mut &[u8]) {
        let Some(request) = message::<WithdrawRequest>(input) else {
            return;
        };
        let command = Command::Withdraw(Tokens(request.tokens_cnt));
        self.pay(request.user.as_ref(), command, &request.id);
    }

    fn pay(&mut self, user: Option<&types::User>, command: Command, id: &[u8]) {
        let player = match wire::player(user) {
            Ok(player) => player,
            Err(error) => return check_status(&error.into()),
        };
        match RequestId::new(id) {
            Err(error) => check_status(&error.into()),
            Ok(id) => match self.decide(&player, Submission { command, id }).result {
                Err(refusal) => check_status(&refusal.into()),
                Ok(Entry::Trade(trade)) => panic!("a payment was taken for {trade:?}"),
                Ok(Entry::Payment(payment)) => {
                    let told = wire::payment(&player, payment);
                    assert_eq!(told.amount, payment.amount);
                    assert!(payment.tokens().0 > 0 && payment.amount != 0);
                }
            },
        }
    }

    fn act(&mut self, input: &mut &[u8]) {
        let Some(action) = message::<Action>(input) else {
            return;
        };
        match wire::command(&action, &mut self.known) {
            Err(bad) => {
                for feeds in [Feeds::default(), ALL_FEEDS] {
                    assert!(!answered(&wire::refused(&bad, feeds), feeds).msg.is_empty());
                }
            }
            Ok((player, submission)) => {
                assert_eq!(action.user.map(|user| user.id).as_deref(), Some(player.as_str()));
                let decision = self.decide(&player, submission);
                for feeds in [Feeds::default(), ALL_FEEDS] {
                    let told = answered(&wire::decided(&decision, feeds), feeds);
                    assert_eq!(
                        decision.result.is_ok(),
                        told.msg == awesomestock_proto::EXECUTED_MESSAGE,
                        "{told:?}"
                    );
                }
            }
        }
    }

    /// Has `submission` decided, and holds what it did against the second book.
    fn decide(&mut self, player: &PlayerName, submission: Submission) -> Decision {
        let place = self.place(player);
        let before = self.draft.account(place).expect("it has just been put in");
        let decided = self
            .draft
            .decide(place, submission, self.at)
            .expect("it is there");
        let after = self.draft.account(place).expect("nobody has left");
        let decision = decided.decision;
        let command = submission.command;
        let asked = submission.id.map(|id| (player.clone(), id));
        if let Some(answer) = asked.as_ref().and_then(|asked| self.now.answers.get(asked)) {
            assert_eq!(before, after, "what is repeated changes nothing");
            match answer {
                (first, told) if *first == command => assert_eq!(*told, decision),
                _ => assert_eq!(decision.result, Err(Refusal::IdTaken)),
            }
            return decision;
        }
        assert_eq!(decision.account, after);
        let purse = self.now.purses.entry(player.clone()).or_default();
        match decision.result {
            Err(refusal) => {
                assert_eq!(before, after, "{refusal:?} changed something");
                assert!(decided.settled_with <= self.draft.sequence());
            }
            Ok(entry) => {
                check_entry(command, entry, self.now.market);
                purse.enter(entry);
                self.entries += 1;
                assert_eq!(decided.settled_with, self.draft.sequence());
            }
        }
        purse.check(&after);
        if let Some(asked) = asked
            && !matches!(decision.result, Err(Refusal::TooFast { .. }))
        {
            self.now.answers.insert(asked, (command, decision));
        }
        decision
    }

    /// Where the player's record is, fetched from what is on disk if it has to be.
    fn place(&mut self, player: &PlayerName) -> super::accounts::Place {
        if self.draft.find(player).is_none() {
            let stored = self.records.get(player).cloned();
            let stored = stored.map(|(record, filed)| (record, Receipts::on_disk(filed)));
            let put = self.draft.put(player.clone(), stored, self.settled);
            put.expect("there are keys enough");
        }
        self.draft.find(player).expect("it has just been put in")
    }

    fn tick(&mut self) {
        let tick = self.draft.tick(self.at).expect("there are ticks enough");
        assert_eq!(tick.number, self.now.market.current.number + 1);
        self.now.market.current = tick;
    }

    /// The batch is written.
    fn commit(&mut self) {
        let taken = self.draft.take();
        let batch = &taken.batch;
        assert_eq!(batch.payments.len() + batch.trades.len(), self.entries);
        for (player, record) in &batch.records {
            self.now.purses[player].check(&record.account);
            let stored = self.records.entry(player.clone());
            let (kept, receipts) = stored.or_insert_with(|| (*record, Vec::new()));
            assert_eq!(kept.id, record.id, "an account keeps its key");
            *kept = *record;
            let own = batch.receipts.iter().filter(|filed| filed.account == record.id);
            receipts.extend(own);
        }
        let receipts: usize = self.records.values().map(|(_, receipts)| receipts.len()).sum();
        assert_eq!(
            receipts,
            self.now.answers.len(),
            "every answer to an id is on disk"
        );
        assert_eq!(taken.market, self.now.market);
        self.kept = self.now.clone();
        self.settled = taken.sequence;
        self.entries = 0;
        self.draft.trim(self.settled);
    }

    /// The disk has refused the batch.
    fn roll_back(&mut self) {
        self.draft.roll_back(self.kept.market);
        self.now = self.kept.clone();
        self.entries = 0;
        let players: Vec<_> = self.now.purses.keys().cloned().collect();
        for player in players {
            let place = self.place(&player);
            let account = self.draft.account(place).expect("it has just been put in");
            self.now.purses[&player].check(&account);
        }
    }
}

/// The entry is the one that was asked for, at the price in force.
fn check_entry(command: Command, entry: Entry, market: Market) {
    let price = market.current.price;
    match (command, entry) {
        (Command::Deposit(dollars), Entry::Payment(payment)) => {
            assert!(dollars.0 >= 1);
            assert_eq!(payment.amount, -dollars.0);
        }
        (Command::Withdraw(tokens), Entry::Payment(payment)) => {
            assert!(tokens.0 >= 1);
            assert_eq!(payment.tokens(), tokens);
        }
        (Command::Buy(count) | Command::Limited(Side::Buy, count, _), Entry::Trade(trade)) => {
            assert!(count.0 >= 1);
            assert_eq!((trade.side, trade.count, trade.price), (Side::Buy, count, price));
        }
        (Command::Sell(count) | Command::Limited(Side::Sell, count, _), Entry::Trade(trade)) => {
            assert!(count.0 >= 1);
            assert_eq!((trade.side, trade.count, trade.price), (Side::Sell, count, price));
        }
        other => panic!("{other:?}"),
    }
    match command {
        Command::Limited(Side::Buy, _, limit) => assert!(price <= limit),
        Command::Limited(Side::Sell, _, limit) => assert!(price >= limit),
        _ => {}
    }
}

/// An answer as it goes over the wire: one that an old client understands, and no more than that to an old client.
fn answered(said: &Said, feeds: Feeds) -> ActionResult {
    let mut bytes = Vec::new();
    said.encode(&mut bytes).expect("a vector takes anything");
    let info = GambleInfo::decode(bytes.as_slice()).expect("what was encoded");
    assert_eq!(info.r#type(), GambleType::ActionResult);
    let result = info.result.expect("an answer");
    assert!(!result.msg.contains(text::acts), "{result:?}");
    if feeds == Feeds::default() {
        let old = GambleInfo {
            r#type: GambleType::ActionResult.into(),
            result: Some(ActionResult {
                msg: result.msg.clone(),
                ..ActionResult::default()
            }),
            ..GambleInfo::default()
        };
        assert_eq!(bytes, old.encode_to_vec());
    }
    result
}

/// A status in words that do nothing to whoever shows them.
pub(crate) fn check_status(status: &Status) {
    assert_ne!(status.code(), tonic::Code::Ok);
    let words = status.message();
    assert!(!words.is_empty() && !words.contains(text::acts), "{words:?}");
}

/// Pages that are asked for are within their bounds, or refused.
fn pages(input: &mut &[u8]) {
    let trades = message::<TradesRequest>(input).map(|of| paging::TRADES.page(of.before_number, of.limit));
    let prices =
        message::<PriceHistoryRequest>(input).map(|of| paging::PRICES.page(of.before_tick, of.limit));
    let candles = message::<CandlesRequest>(input).map(|of| paging::CANDLES.page(of.before_tick, of.limit));
    for (page, max) in [(trades, 1_000), (prices, 10_000), (candles, 10_000)] {
        match page {
            None => {}
            Some(Ok(PageRequest { before, limit })) => {
                assert!((1..=max).contains(&limit) && before.is_none_or(|before| before > 0));
            }
            Some(Err(bad)) => check_status(&bad.into()),
        }
    }
}
