//! A round: a game with a start, an end and a winner, in which each player trades on an account of the round.

use std::ops::RangeInclusive;
use std::time::Duration;

use awesomestock_proto::text::pluralize;
use serde::{Deserialize, Serialize};

use crate::domain::account::{Account, Rejection};
use crate::domain::market::Tick;
use crate::domain::money::{Dollars, Price, UnixMillis};
use crate::domain::player::PlayerName;

/// Bounds of the length of a round.
pub(crate) const LENGTH: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 60 * 60);

/// Characters of an announcement.
const ANNOUNCEMENT_MAX: usize = 100;

/// Bit of [`Account::version`] from which on it holds the epoch of the account.
const EPOCH_BIT: u32 = 39;

/// The newest round. It is stored: add variants at the end only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Round {
    /// From 1; 0: there has been none.
    pub(crate) number: i64,
    /// What each player begins with.
    pub(crate) stake: Dollars,
    pub(crate) phase: RoundPhase,
    pub(crate) announcement: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RoundPhase {
    /// There has been no round.
    #[default]
    Never,
    /// Ends at the first tick at or after the time.
    Running(UnixMillis),
    /// The time left in milliseconds.
    Paused(i64),
    /// The tick at whose price the results count.
    Ended(Tick),
}

/// What an operator, or a tick, does to a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoundCommand {
    /// Starts a round of this length in milliseconds; without a stake none can start.
    Start(i64, Option<Dollars>),
    Pause,
    Resume,
    End,
    Say(String),
    /// Ends a round whose time is over.
    Tick,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RoundError {
    #[error("length_ms: a round takes {} to {}", humantime::format_duration(*LENGTH.start()), humantime::format_duration(*LENGTH.end()))]
    Length,
    #[error("text: an announcement is one line of at most {ANNOUNCEMENT_MAX} characters")]
    Text,
    #[error("this casino has no stake: start it with --stake")]
    NoStake,
    #[error("round {0} is open: end it first")]
    Open(i64),
    #[error("no round is open")]
    NotOpen,
    #[error("round {0} is paused already")]
    Paused(i64),
    #[error("round {0} is not paused")]
    NotPaused(i64),
    #[error("round: there is no round {asked}; the newest is round {newest}")]
    Unknown { asked: i64, newest: i64 },
    #[error("no round yet")]
    None,
}

impl RoundError {
    /// Returns the reason why there is no round `asked` if this is the newest one.
    pub(crate) fn unknown(asked: i64, newest: &Round) -> Self {
        match newest.number {
            0 => Self::None,
            newest => Self::Unknown { asked, newest },
        }
    }

    /// Returns whether the command is invalid in every state.
    pub(crate) fn is_invalid(&self) -> bool {
        matches!(self, Self::Length | Self::Text)
    }
}

impl Round {
    /// Returns the round after `command` at the time `at`; `None` if it is the same.
    pub(crate) fn apply(
        &self,
        command: &RoundCommand,
        tick: Tick,
        at: UnixMillis,
    ) -> Result<Option<Self>, RoundError> {
        let number = self.number;
        let phase = match (command, self.phase) {
            (RoundCommand::Start(..), RoundPhase::Running(_) | RoundPhase::Paused(_)) => {
                return Err(RoundError::Open(number));
            }
            (RoundCommand::Start(length, stake), _) => {
                return self.next(*length, *stake, at).map(Some);
            }
            (RoundCommand::Say(text), _) => return self.say(text).map(Some),
            (RoundCommand::Tick, RoundPhase::Running(until)) if tick.at >= until => RoundPhase::Ended(tick),
            (RoundCommand::Tick, _) => return Ok(None),
            (_, RoundPhase::Never | RoundPhase::Ended(_)) => return Err(RoundError::NotOpen),
            (RoundCommand::Pause, RoundPhase::Paused(_)) => return Err(RoundError::Paused(number)),
            (RoundCommand::Pause, RoundPhase::Running(_)) => RoundPhase::Paused(self.left_ms(at)),
            (RoundCommand::Resume, RoundPhase::Running(_)) => return Err(RoundError::NotPaused(number)),
            (RoundCommand::Resume, RoundPhase::Paused(left)) => RoundPhase::Running(at.plus_ms(left)),
            (RoundCommand::End, _) => RoundPhase::Ended(tick),
        };
        // What was said in a round is of no use after it.
        let announcement = match phase {
            RoundPhase::Ended(_) => String::new(),
            _ => self.announcement.clone(),
        };
        Ok(Some(Self {
            phase,
            announcement,
            ..self.clone()
        }))
    }

    fn next(&self, length: i64, stake: Option<Dollars>, at: UnixMillis) -> Result<Self, RoundError> {
        let stake = stake.ok_or(RoundError::NoStake)?;
        let length = u64::try_from(length).map_err(|_| RoundError::Length)?;
        if !LENGTH.contains(&Duration::from_millis(length)) {
            return Err(RoundError::Length);
        }
        Ok(Self {
            number: self.number.saturating_add(1),
            stake,
            phase: RoundPhase::Running(at.plus_ms(length.cast_signed())),
            announcement: self.announcement.clone(),
        })
    }

    fn say(&self, text: &str) -> Result<Self, RoundError> {
        let text = text.trim();
        if text.chars().count() > ANNOUNCEMENT_MAX || text.chars().any(char::is_control) {
            return Err(RoundError::Text);
        }
        Ok(Self {
            announcement: text.to_owned(),
            ..self.clone()
        })
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, RoundPhase::Running(_) | RoundPhase::Paused(_))
    }

    pub(crate) fn open_number(&self) -> Option<i64> {
        self.is_open().then_some(self.number)
    }

    pub(crate) fn left_ms(&self, at: UnixMillis) -> i64 {
        match self.phase {
            RoundPhase::Running(until) => until.since_ms(at),
            RoundPhase::Paused(left) => left,
            RoundPhase::Never | RoundPhase::Ended(_) => 0,
        }
    }

    /// Returns the reason why no order is executed at `tick` on an account of the round.
    pub(crate) fn check_open(&self, tick: Tick) -> Result<(), Rejection> {
        match self.phase {
            RoundPhase::Paused(_) => Err(Rejection::RoundPaused),
            RoundPhase::Running(until) if tick.at >= until => Err(Rejection::RoundOver),
            _ => Ok(()),
        }
    }

    /// Returns the reason why a request that is meant for the account of round `meant`, or for the own one if it is 0, is not
    /// executed.
    pub(crate) fn check_account(&self, meant: i64) -> Result<(), Rejection> {
        match self.open_number() {
            Some(number) if number != meant => Err(Rejection::RoundBegan { number }),
            None if meant != 0 => Err(Rejection::RoundNotOpen { number: meant }),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns the name of the account that `player` trades on. Bots take no part in rounds.
    pub(crate) fn account_of(&self, player: &PlayerName) -> PlayerName {
        match self.is_open() && !player.is_bot() {
            true => player.in_round(self.number),
            false => player.clone(),
        }
    }

    /// Returns whether the account `name` is the one that its player trades on.
    pub(crate) fn is_in_force(&self, name: &PlayerName) -> bool {
        match name.round() {
            Some((number, _)) => self.open_number() == Some(number),
            None => !self.is_open() || name.is_bot(),
        }
    }

    /// Returns the first payment of the account `name`: in a round the stake of the round, otherwise `outside`, which bots
    /// do not get.
    pub(crate) fn stake_for(&self, name: &PlayerName, outside: Option<Dollars>) -> Option<Dollars> {
        match name.round() {
            Some(_) => Some(self.stake),
            None => outside.filter(|_| !name.is_bot()),
        }
    }

    /// Returns `account` of `player` with a version above those of the player's accounts in force before: for clients,
    /// the newer of two wallets is the one with the higher version, also when a round starts or ends.
    pub(crate) fn versioned(&self, player: &PlayerName, account: Account) -> Account {
        if self.number == 0 {
            return account;
        }
        let rounds = self.number.saturating_mul(2);
        let epoch = match player.round() {
            Some((number, _)) => number.saturating_mul(2),
            None if self.is_open() => rounds.saturating_sub(1),
            None => rounds.saturating_add(1),
        };
        // Nothing precedes the first round.
        let epoch = if epoch == 1 { 0 } else { epoch };
        // `round_of` reads it.
        let offset = epoch.checked_shl(EPOCH_BIT).unwrap_or(0);
        Account {
            version: account.version.saturating_add(offset),
            ..account
        }
    }
}

/// Warns of a `stake` that buys no stock at `price`. A round may start with it all the same: the price may fall.
pub(crate) fn small_stake(stake: Dollars, price: Price) -> Option<String> {
    let tokens = stake.in_tokens();
    (tokens < i64::from(price.get())).then(|| {
        let tokens = pluralize(tokens, "token");
        format!(
            "one stock costs {price} now, more than the stake of {stake} buys ({tokens}): nobody can buy until the price falls"
        )
    })
}

/// Returns the round of an account with its version for clients; 0: the player's own account.
pub(crate) fn round_of(versioned: &Account) -> i64 {
    let epoch = versioned.version >> EPOCH_BIT;
    match epoch % 2 {
        0 => epoch / 2,
        _ => 0,
    }
}

/// The result of a player in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoundResult {
    /// 1 for the highest profit; players with equal profit share a place.
    pub(crate) place: usize,
    pub(crate) player: PlayerName,
    /// In tokens.
    pub(crate) profit: i64,
    pub(crate) trades: i64,
}

/// Returns the results of the players who have traded, by place and name, at `price`. The account names and accounts may
/// be in any order.
pub(crate) fn results(
    accounts: impl IntoIterator<Item = (PlayerName, Account, i64)>,
    price: Price,
) -> Vec<RoundResult> {
    let traded = accounts.into_iter().filter(|(_, _, trades)| *trades > 0);
    let mut results: Vec<RoundResult> = traded
        .map(|(player, account, trades)| RoundResult {
            place: 0,
            player: player.without_round(),
            profit: account.profit(price),
            trades,
        })
        .collect();
    results.sort_unstable_by(|a, b| b.profit.cmp(&a.profit).then_with(|| a.player.cmp(&b.player)));
    let mut place = 1_usize;
    for tied in results.chunk_by_mut(|a, b| a.profit == b.profit) {
        tied.iter_mut().for_each(|result| result.place = place);
        place = place.saturating_add(tied.len());
    }
    results
}

impl RoundResult {
    /// Returns place, player, profit, return and trades as a row of CSV. Names need no quotes: they have letters, digits and `_ - .` only.
    pub(crate) fn csv_row(&self, stake: Dollars) -> String {
        let share = percentage(self.profit, stake);
        format!(
            "{},{},{},{share},{}",
            self.place, self.player, self.profit, self.trades
        )
    }
}

/// Returns a profit in tokens as a share of `stake`, with two decimals, rounded towards 0.
fn percentage(profit: i64, stake: Dollars) -> String {
    let stake = stake.in_tokens().unsigned_abs();
    let hundredths = profit.unsigned_abs().saturating_mul(10_000);
    let hundredths = hundredths.checked_div(stake).unwrap_or(0);
    let sign = if profit < 0 && hundredths > 0 { "-" } else { "" };
    format!("{sign}{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Tokens;

    fn tick(at: i64) -> Tick {
        Tick {
            number: at,
            price: Price::MIN,
            at: UnixMillis(at),
        }
    }

    fn in_phase(phase: RoundPhase) -> Round {
        Round {
            number: 3,
            stake: Dollars(100),
            phase,
            announcement: String::new(),
        }
    }

    #[test]
    fn a_command_suits_the_phase_or_changes_nothing() {
        use RoundPhase::{Ended, Never, Paused, Running};
        let (start, end) = (RoundCommand::Start(5_000, Some(Dollars(100))), Ended(tick(60)));
        let running = Running(UnixMillis(70));
        for (phase, command, expected) in [
            (Never, &start, Ok((4, Running(UnixMillis(5_050))))),
            (end, &start, Ok((4, Running(UnixMillis(5_050))))),
            (running, &start, Err(RoundError::Open(3))),
            (Paused(9), &start, Err(RoundError::Open(3))),
            (end, &RoundCommand::Start(5_000, None), Err(RoundError::NoStake)),
            (
                end,
                &RoundCommand::Start(999, Some(Dollars(1))),
                Err(RoundError::Length),
            ),
            (
                end,
                &RoundCommand::Start(-1, Some(Dollars(1))),
                Err(RoundError::Length),
            ),
            (running, &RoundCommand::Pause, Ok((3, Paused(20)))),
            (Paused(9), &RoundCommand::Pause, Err(RoundError::Paused(3))),
            (end, &RoundCommand::Pause, Err(RoundError::NotOpen)),
            (Paused(9), &RoundCommand::Resume, Ok((3, Running(UnixMillis(59))))),
            (running, &RoundCommand::Resume, Err(RoundError::NotPaused(3))),
            (running, &RoundCommand::End, Ok((3, end))),
            (Paused(9), &RoundCommand::End, Ok((3, end))),
            (Never, &RoundCommand::End, Err(RoundError::NotOpen)),
            (Running(UnixMillis(60)), &RoundCommand::Tick, Ok((3, end))),
            (Running(UnixMillis(61)), &RoundCommand::Tick, Ok((0, Never))),
            (Paused(0), &RoundCommand::Tick, Ok((0, Never))),
            (end, &RoundCommand::Tick, Ok((0, Never))),
            (end, &RoundCommand::Say("a\nb".to_owned()), Err(RoundError::Text)),
            (end, &RoundCommand::Say("é".repeat(101)), Err(RoundError::Text)),
            (end, &RoundCommand::Say("é".repeat(100)), Ok((3, end))),
        ] {
            let after = in_phase(phase).apply(command, tick(60), UnixMillis(50));
            let after = after.map(Option::unwrap_or_default);
            assert_eq!(
                after.map(|after| (after.number, after.phase)),
                expected,
                "{phase:?} {command:?}"
            );
        }
    }

    #[test]
    fn an_announcement_is_shown_until_the_round_ends() {
        let mut round = in_phase(RoundPhase::Never);
        for (command, expected) in [
            (RoundCommand::Say(" Welcome ".to_owned()), "Welcome"),
            (RoundCommand::Start(5_000, Some(Dollars(1))), "Welcome"),
            (
                RoundCommand::Say("Five minutes left".to_owned()),
                "Five minutes left",
            ),
            (RoundCommand::Pause, "Five minutes left"),
            (RoundCommand::End, ""),
            (RoundCommand::Say("Well done".to_owned()), "Well done"),
        ] {
            round = round.apply(&command, tick(60), UnixMillis(50)).unwrap().unwrap();
            assert_eq!(round.announcement, expected, "{command:?}");
        }
    }

    #[test]
    fn a_stake_that_buys_no_stock_is_named_with_the_price() {
        for (stake, price, expected) in [
            (1, 5, None),
            (100, 1, None),
            (100, 500, None),
            (
                1,
                6,
                Some(
                    "one stock costs 6 tokens now, more than the stake of 1 dollar buys (5 tokens): nobody can buy until the \
                     price falls",
                ),
            ),
            (
                200,
                i32::MAX,
                Some(
                    "one stock costs 2,147,483,647 tokens now, more than the stake of 200 dollars buys (1,000 tokens): nobody \
                     can buy until the price falls",
                ),
            ),
            (i32::MAX, i32::MAX, None),
        ] {
            let small = small_stake(Dollars(stake), Price::new(price).unwrap());
            assert_eq!(small.as_deref(), expected);
        }
    }

    #[test]
    fn orders_are_executed_while_the_time_runs() {
        for (phase, rejected) in [
            (RoundPhase::Running(UnixMillis(61)), None),
            (RoundPhase::Running(UnixMillis(60)), Some("the round is over")),
            (RoundPhase::Paused(9), Some("the round is paused")),
        ] {
            let checked = in_phase(phase).check_open(tick(60));
            assert_eq!(
                checked.err().map(|rejection| rejection.to_string()).as_deref(),
                rejected
            );
        }
    }

    #[test]
    fn a_request_is_executed_on_the_account_it_is_meant_for() {
        let (open, ended) = (RoundPhase::Paused(9), RoundPhase::Ended(tick(9)));
        for (phase, meant, rejected) in [
            (open, 3, None),
            (
                open,
                0,
                Some("round 3 began before this order arrived; nothing was done"),
            ),
            (
                open,
                2,
                Some("round 3 began before this order arrived; nothing was done"),
            ),
            (ended, 0, None),
            (
                ended,
                3,
                Some("round 3 was not open when this arrived; nothing was done"),
            ),
        ] {
            let checked = in_phase(phase).check_account(meant);
            let rejected_with = checked.err().map(|rejection| rejection.to_string());
            assert_eq!(rejected_with.as_deref(), rejected, "{phase:?} {meant}");
        }
    }

    #[test]
    fn one_account_of_a_player_is_in_force() {
        let ann = PlayerName::new("ann").unwrap();
        let bot = PlayerName::bot("Momo");
        for (phase, expected) in [
            (RoundPhase::Never, [true, true, false, false]),
            (RoundPhase::Paused(9), [false, true, true, false]),
            (RoundPhase::Ended(tick(9)), [true, true, false, false]),
        ] {
            let round = in_phase(phase);
            let names = [ann.clone(), bot.clone(), ann.in_round(3), ann.in_round(2)];
            assert_eq!(names.map(|name| round.is_in_force(&name)), expected);
            assert!(round.is_in_force(&round.account_of(&ann)) && round.is_in_force(&round.account_of(&bot)));
        }
    }

    #[test]
    fn a_player_gets_the_stake_of_the_round_or_the_one_outside_of_rounds() {
        let ann = PlayerName::new("ann").unwrap();
        let outside = Some(Dollars(7));
        for (name, outside, expected) in [
            (ann.in_round(3), outside, Some(Dollars(100))),
            (ann.in_round(3), None, Some(Dollars(100))),
            (ann.clone(), outside, outside),
            (ann, None, None),
            (PlayerName::bot("Momo"), outside, None),
        ] {
            let round = in_phase(RoundPhase::Paused(9));
            assert_eq!(round.stake_for(&name, outside), expected, "{name:?} {outside:?}");
        }
    }

    #[test]
    fn a_later_wallet_has_a_higher_version() {
        let ann = PlayerName::new("ann").unwrap();
        let account = |version| Account {
            version,
            ..Account::default()
        };
        let round = |number, phase| Round {
            number,
            ..in_phase(phase)
        };
        let (running, ended) = (RoundPhase::Running(UnixMillis(9)), RoundPhase::Ended(tick(9)));
        let versions = [
            Round::default().versioned(&ann, account(900)),
            round(1, running).versioned(&ann, account(901)),
            round(1, running).versioned(&ann.in_round(1), account(1)),
            // An answer of the round, repeated later.
            round(2, ended).versioned(&ann.in_round(1), account(2)),
            round(1, ended).versioned(&ann, account(902)),
            round(2, running).versioned(&ann, account(903)),
            round(2, running).versioned(&ann.in_round(2), account(1)),
            round(2, ended).versioned(&ann, account(903)),
        ];
        assert!(
            versions.is_sorted_by_key(|account| account.version),
            "{versions:?}"
        );
        let rounds = versions.each_ref().map(round_of);
        assert_eq!(rounds, [0, 0, 1, 1, 0, 0, 2, 0]);
        assert_eq!(versions[0].version, 900, "no offset without a round");
    }

    #[test]
    fn results_are_ranked_by_profit_with_shared_places() {
        let account = |profit| Account {
            tokens: Tokens(500),
            realised_pnl: profit,
            ..Account::default()
        };
        let accounts = [
            ("bob", -7, 2),
            ("cid", 53, 1),
            ("eve", 99, 0),
            ("dan", 53, 4),
            ("ann", -600, 1),
        ];
        let accounts = accounts.map(|(name, profit, trades)| {
            (
                PlayerName::new(name).unwrap().in_round(3),
                account(profit),
                trades,
            )
        });
        let rows = results(accounts, Price::MIN);
        let rows: Vec<_> = rows.iter().map(|row| row.csv_row(Dollars(100))).collect();
        let expected = [
            "1,cid,53,10.60%,1",
            "1,dan,53,10.60%,4",
            "3,bob,-7,-1.40%,2",
            "4,ann,-600,-120.00%,1",
        ];
        assert_eq!(rows, expected);
    }
}
