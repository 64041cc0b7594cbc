//! Core: a batch while it is being decided.
//!
//! Pure: the records it works on are put in before, the time comes in as a value, and nothing of it counts until it
//! has been committed.

use std::collections::HashMap;

use crate::{
    identity::PlayerName,
    market::{Market, Tick},
    quantity::UnixMillis,
    record::{Command, Decision, Entry, Record},
    store::Batch,
};

/// The decisions of one batch, made one after the other, each on top of those before it.
#[derive(Debug)]
pub(super) struct Draft {
    market: Market,
    records: HashMap<PlayerName, Open>,
    batch: Batch,
}

/// A record that a batch works on.
#[derive(Debug)]
struct Open {
    record: Record,
    changed: bool,
}

impl Draft {
    /// A draft that has decided nothing yet.
    pub(super) fn new(market: Market) -> Self {
        Self {
            market,
            records: HashMap::new(),
            batch: Batch::default(),
        }
    }

    /// Whether the player's record is in it.
    pub(super) fn has(&self, player: &PlayerName) -> bool {
        self.records.contains_key(player)
    }

    /// Puts the record in that commands of `player` are decided on.
    pub(super) fn put(&mut self, player: PlayerName, record: Record) {
        self.records.insert(
            player,
            Open {
                record,
                changed: false,
            },
        );
    }

    /// Decides `command`; `None` if the player's record was not put in.
    pub(super) fn decide(
        &mut self,
        player: &PlayerName,
        command: Command,
        at: UnixMillis,
    ) -> Option<Decision> {
        let open = self.records.get_mut(player)?;
        let result = open.record.execute(command, self.market.current, at);
        let result = result.map(|(record, entry)| {
            *open = Open {
                record,
                changed: true,
            };
            match entry {
                Entry::Payment(payment) => self.batch.payments.push((record.id, payment)),
                Entry::Trade(trade) => self.batch.trades.push((record.id, trade)),
            }
            entry
        });
        Some(Decision {
            result,
            account: open.record.account,
        })
    }

    /// Moves the price. Commands decided from now on are executed at the new one. `None` if ticks have run out.
    pub(super) fn tick(&mut self, at: UnixMillis) -> Option<Tick> {
        self.market = self.market.ticked(at)?;
        self.batch.ticks.push(self.market.current);
        Some(self.market.current)
    }

    /// The market after the batch, and what has to be written.
    pub(super) fn finish(mut self) -> (Market, Batch) {
        let changed = self.records.into_iter().filter(|(_, open)| open.changed);
        self.batch.records = changed.map(|(player, open)| (player, open.record)).collect();
        (self.market, self.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        market::Model,
        quantity::{Dollars, Price, Stocks},
        record::AccountId,
    };

    #[test]
    fn a_command_is_decided_on_top_of_those_before_it_and_at_the_price_then_in_force() {
        let ann = PlayerName::new("ann").unwrap();
        let bob = PlayerName::new("bob").unwrap();
        let market = Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0));
        let mut draft = Draft::new(market);
        draft.put(ann.clone(), Record::new(AccountId(1)));
        draft.put(bob.clone(), Record::new(AccountId(2)));
        let mut decide = |player: &PlayerName, command| draft.decide(player, command, UnixMillis(5)).unwrap();

        assert!(decide(&ann, Command::Buy(Stocks(1))).result.is_err());
        assert!(decide(&ann, Command::Deposit(Dollars(100))).result.is_ok());
        let Ok(Entry::Trade(before)) = decide(&ann, Command::Buy(Stocks(1))).result else {
            panic!()
        };
        assert!(decide(&bob, Command::Sell(Stocks(1))).result.is_err());
        let tick = draft.tick(UnixMillis(6)).unwrap();
        let after = draft
            .decide(&ann, Command::Buy(Stocks(1)), UnixMillis(7))
            .unwrap();
        let Ok(Entry::Trade(bought)) = after.result else {
            panic!()
        };
        assert_eq!((before.price, before.tick), (market.current.price, 0));
        assert_eq!((bought.price, bought.tick), (tick.price, 1));

        let (moved, batch) = draft.finish();
        assert_eq!(moved.current, tick);
        assert_eq!(batch.ticks, [tick]);
        assert_eq!(batch.trades, [(AccountId(1), before), (AccountId(1), bought)]);
        assert_eq!(batch.payments.len(), 1);
        let [(name, record)] = batch.records.as_slice() else {
            panic!("bob changed nothing")
        };
        assert_eq!((name, record.account), (&ann, after.account));
    }

    #[test]
    fn a_batch_of_refusals_has_nothing_to_write() {
        let ann = PlayerName::new("ann").unwrap();
        let market = Market::open(Model::Classic, 1, Price::MIN, UnixMillis(0));
        let mut draft = Draft::new(market);
        assert_eq!(draft.decide(&ann, Command::Buy(Stocks(1)), UnixMillis(0)), None);
        draft.put(ann.clone(), Record::new(AccountId(1)));
        assert!(
            draft
                .decide(&ann, Command::Buy(Stocks(1)), UnixMillis(0))
                .unwrap()
                .result
                .is_err()
        );
        assert!(draft.finish().1.is_empty());
    }
}
