//! Recomputes the results of rounds from the replayed accounts.

use std::collections::BTreeMap;

use super::{AccountReplay, Difference};
use crate::domain::account::Account;
use crate::domain::order::AccountRecord;
use crate::domain::player::PlayerName;
use crate::domain::round::{self, Round, RoundPhase};

/// The rounds of a ledger, and the accounts in them.
#[derive(Debug, Default)]
pub(super) struct RoundReplay(BTreeMap<i64, PlayedRound>);

#[derive(Debug, Default)]
struct PlayedRound {
    round: Round,
    /// Each with the number of its trades.
    accounts: Vec<(PlayerName, Account, i64)>,
}

impl RoundReplay {
    pub(super) fn insert(&mut self, round: Round) {
        let number = round.number;
        self.0.entry(number).or_default().round = round;
    }

    /// Adds the account `name`, if it is one in a round. Returns the figures that differ.
    pub(super) fn account(
        &mut self,
        name: &str,
        found: &AccountRecord,
        replay: &AccountReplay,
    ) -> Vec<Difference<&'static str, String>> {
        let player = PlayerName::from_stored(name).ok();
        let Some((player, number)) = player.and_then(|player| Some((player.clone(), player.round()?.0)))
        else {
            return Vec::new();
        };
        let Some(PlayedRound { round, accounts }) = self.0.get_mut(&number) else {
            return vec![("round", "one of the ledger".to_owned(), number.to_string())];
        };
        accounts.push((player, replay.holding, found.trades));
        let mut wrong = Vec::new();
        let stakes = found.payments.saturating_mul(round.stake.wide());
        if found.payments > 1 || found.account.dollars_in != stakes {
            let dollars_in = found.account.dollars_in.to_string();
            wrong.push(("stake", round.stake.to_string(), dollars_in));
        }
        if let RoundPhase::Ended(end) = round.phase
            && replay.tick > end.number
        {
            let at_most = format!("at most {}", end.number);
            wrong.push(("last tick", at_most, replay.tick.to_string()));
        }
        wrong
    }

    /// Returns a line for each result of the rounds that have ended.
    pub(super) fn results(self) -> Vec<String> {
        let rounds = self.0.into_values();
        let lines = rounds.filter_map(|PlayedRound { round, accounts }| {
            let RoundPhase::Ended(tick) = round.phase else {
                return None;
            };
            let results = round::results(accounts, tick.price);
            let line = move |row: &round::RoundResult| {
                format!("round {}: {}", round.number, row.csv_row(round.stake))
            };
            Some(results.iter().map(line).collect::<Vec<_>>())
        });
        lines.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::market::Tick;
    use crate::domain::money::{Dollars, Price, UnixMillis};
    use crate::domain::order::AccountId;

    #[test]
    fn an_account_in_a_round_has_one_stake_and_no_trade_after_the_end() {
        let end = Tick {
            number: 7,
            price: Price::MIN,
            at: UnixMillis(0),
        };
        let mut rounds = RoundReplay::default();
        rounds.insert(Round {
            number: 2,
            stake: Dollars(100),
            phase: RoundPhase::Ended(end),
            announcement: String::new(),
        });
        for (name, payments, dollars_in, last_tick, wrong) in [
            ("@2/ann", 1, 100, 7, &[][..]),
            ("@2/bob", 0, 0, 0, &[]),
            ("@2/cid", 2, 200, 7, &["stake"]),
            ("@2/dan", 1, 50, 8, &["stake", "last tick"]),
            ("@3/ann", 1, 100, 7, &["round"]),
            ("ann", 5, 7, 90, &[]),
        ] {
            let mut found = AccountRecord::new(AccountId(1));
            (found.payments, found.account.dollars_in, found.trades) = (payments, dollars_in, 1);
            let replay = AccountReplay {
                holding: found.account,
                tick: last_tick,
                ..AccountReplay::default()
            };
            let mismatches = rounds.account(name, &found, &replay);
            let fields: Vec<_> = mismatches.iter().map(|(field, ..)| *field).collect();
            assert_eq!(fields, wrong, "{name}");
        }
        assert_eq!(rounds.results()[0], "round 2: 1,ann,0,0.00%,1");
    }
}
