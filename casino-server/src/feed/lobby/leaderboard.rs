//! The ranking of players by profit. Pure.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::market::Tick;
use crate::domain::player::PlayerName;

/// Maximum number of ranked players. Players with less profit are dropped until their account changes again.
pub(super) const RANKED_MAX: usize = 16 * 1024;

/// Changes since the last update of the leaderboard.
#[derive(Debug, Default)]
pub(super) struct LeaderboardDelta {
    changed: HashMap<PlayerName, Account>,
    /// The top accounts of the ledger, if they were read.
    snapshot: HashMap<PlayerName, Account>,
    pub(super) tick: Option<Tick>,
    /// Set when a round starts or ends, to its number while it is open.
    pub(super) round: Option<Option<i64>>,
}

impl LeaderboardDelta {
    /// Records an account, unless a newer version is recorded already.
    pub(super) fn changed(&mut self, player: &PlayerName, account: Account) {
        insert_newer(&mut self.changed, player, account);
    }

    /// Records the top accounts, of each the newest version. If there are [`RANKED_MAX`] of them, all others leave the
    /// leaderboard.
    pub(super) fn set_snapshot(&mut self, top: Vec<(PlayerName, Account)>) {
        self.snapshot = HashMap::with_capacity(top.len());
        for (player, account) in top {
            insert_newer(&mut self.snapshot, &player, account);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.snapshot.is_empty() && self.tick.is_none()
    }
}

/// Inserts `account` unless the stored version is as new. Returns true if it was inserted.
fn insert_newer(accounts: &mut HashMap<PlayerName, Account>, player: &PlayerName, account: Account) -> bool {
    match accounts.entry(player.clone()) {
        Entry::Occupied(stored) if stored.get().version >= account.version => return false,
        entry => entry.insert_entry(account),
    };
    true
}

#[derive(Debug)]
pub(super) struct Leaderboard {
    /// The players' own accounts at `None`, and those of the open round at its number.
    accounts: HashMap<Option<i64>, HashMap<PlayerName, Account>>,
    /// The number of the open round.
    pub(super) round: Option<i64>,
    /// The tick whose price is used.
    pub(super) tick: Tick,
    /// The ranking of the accounts in force, computed on demand.
    cached: Option<Arc<LeaderboardSnapshot>>,
    /// The ranking has changed since [`Leaderboard::take_update`].
    pub(super) has_update: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rank {
    /// 1 for the highest profit; players with equal profit share a rank.
    pub(crate) rank: usize,
    pub(crate) player: PlayerName,
    /// Value of tokens and stocks, in tokens.
    pub(crate) equity: i64,
    /// In tokens; negative for a loss.
    pub(crate) profit: i64,
    pub(crate) account: Account,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeaderboardSnapshot {
    /// By falling profit, then by name.
    ranks: Vec<Rank>,
    /// Index of each player in `ranks`.
    positions: HashMap<PlayerName, usize>,
    /// The tick whose price was used.
    pub(crate) tick: Tick,
}

impl Leaderboard {
    pub(super) fn new(tick: Tick) -> Self {
        Self {
            accounts: HashMap::from([(None, HashMap::new())]),
            round: None,
            tick,
            cached: None,
            has_update: false,
        }
    }

    pub(super) fn apply(&mut self, delta: LeaderboardDelta) {
        let mut changed = false;
        if let Some(open) = delta.round
            && open != self.round
        {
            self.accounts.retain(|round, _| round.is_none());
            self.accounts.entry(open).or_default();
            self.round = open;
            changed = true;
        }
        let snapshot = delta.snapshot;
        if snapshot.len() >= RANKED_MAX
            && let Some(accounts) = snapshot
                .keys()
                .next()
                .and_then(|player| self.accounts_like(player))
        {
            let before = accounts.len();
            accounts.retain(|player, _| snapshot.contains_key(player));
            changed |= accounts.len() < before;
        }
        for (player, account) in snapshot.into_iter().chain(delta.changed) {
            if let Some(accounts) = self.accounts_like(&player) {
                changed |= insert_newer(accounts, &player, account);
            }
        }
        if let Some(tick) = delta.tick {
            changed |= tick != self.tick;
            self.tick = tick;
        }
        if changed {
            self.cached = None;
            self.has_update = true;
        }
    }

    /// Returns the accounts that `name` belongs to; `None` for one of an earlier round.
    fn accounts_like(&mut self, name: &PlayerName) -> Option<&mut HashMap<PlayerName, Account>> {
        self.accounts.get_mut(&name.round().map(|(number, _)| number))
    }

    pub(super) fn take_update(&mut self) -> Arc<LeaderboardSnapshot> {
        self.has_update = false;
        self.snapshot()
    }

    pub(super) fn snapshot(&mut self) -> Arc<LeaderboardSnapshot> {
        if let Some(cached) = &self.cached {
            return Arc::clone(cached);
        }
        let tick = self.tick;
        let accounts = self.accounts.entry(self.round).or_default();
        let snapshot = Arc::new(LeaderboardSnapshot::new(accounts, tick));
        if accounts.len() > snapshot.len() {
            accounts.retain(|player, _| snapshot.rank_of(&player.without_round()).is_some());
        }
        self.cached = Some(Arc::clone(&snapshot));
        snapshot
    }
}

impl LeaderboardSnapshot {
    fn new(accounts: &HashMap<PlayerName, Account>, tick: Tick) -> Self {
        let mut ranks: Vec<Rank> = accounts
            .iter()
            .map(|(player, account)| Rank {
                rank: 0,
                player: player.without_round(),
                equity: account
                    .tokens
                    .wide()
                    .saturating_add(tick.price.times(account.stocks)),
                profit: account.profit(tick.price),
                account: *account,
            })
            .collect();
        ranks.sort_unstable_by(|a, b| b.profit.cmp(&a.profit).then_with(|| a.player.cmp(&b.player)));
        ranks.truncate(RANKED_MAX);
        let (mut rank, mut profit) = (1, None);
        for (position, entry) in (1..).zip(&mut ranks) {
            if profit != Some(entry.profit) {
                (rank, profit) = (position, Some(entry.profit));
            }
            entry.rank = rank;
        }
        let players = ranks.iter().map(|entry| entry.player.clone());
        Self {
            positions: players.zip(0..).collect(),
            ranks,
            tick,
        }
    }

    /// Returns the first `count` ranks, or all if there are fewer.
    pub(crate) fn top(&self, count: usize) -> &[Rank] {
        self.ranks.get(..count).unwrap_or(&self.ranks)
    }

    pub(crate) fn rank_of(&self, player: &PlayerName) -> Option<&Rank> {
        self.ranks.get(*self.positions.get(player)?)
    }

    pub(crate) fn len(&self) -> usize {
        self.ranks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Dollars, Price, Stocks, Tokens};
    use crate::testkit::values;

    fn tick(price: i32) -> Tick {
        values::tick(1, price, 0)
    }

    /// An account of a player who paid nothing in, so that all it holds is profit.
    fn account(tokens: i32, stocks: i32, version: i64) -> Account {
        Account {
            tokens: Tokens(tokens),
            stocks: Stocks(stocks),
            realised_pnl: i64::from(tokens),
            version,
            ..Account::default()
        }
    }

    fn ranks(leaderboard: &mut Leaderboard) -> Vec<(usize, String, i64)> {
        let snapshot = leaderboard.snapshot();
        let top = snapshot.top(20).iter();
        top.map(|rank| (rank.rank, rank.player.to_string(), rank.profit))
            .collect()
    }

    #[test]
    fn players_are_ranked_by_profit_and_ties_share_a_rank() {
        let mut leaderboard = Leaderboard::new(tick(10));
        let mut delta = LeaderboardDelta::default();
        for (player, account) in [
            ("cid", account(0, 3, 1)),
            ("ann", account(30, 0, 1)),
            ("bob", account(50, 0, 1)),
            ("dot", account(1, 0, 1)),
        ] {
            delta.changed(&values::player(player), account);
        }
        leaderboard.apply(delta);
        let row = |rank, name: &str, equity| (rank, name.to_owned(), equity);
        assert_eq!(
            ranks(&mut leaderboard),
            [
                row(1, "bob", 50),
                row(2, "ann", 30),
                row(2, "cid", 30),
                row(4, "dot", 1)
            ]
        );
        leaderboard.apply(LeaderboardDelta {
            tick: Some(tick(20)),
            ..LeaderboardDelta::default()
        });
        assert_eq!(ranks(&mut leaderboard)[0], row(1, "cid", 60));
        let snapshot = leaderboard.snapshot();
        assert_eq!(snapshot.rank_of(&values::player("dot")).unwrap().rank, 4);
        assert_eq!(
            (snapshot.rank_of(&values::player("eve")), snapshot.len()),
            (None, 4)
        );
        assert!(Arc::ptr_eq(&snapshot, &leaderboard.snapshot()), "cached");
    }

    #[test]
    fn a_round_has_a_ranking_of_its_own_and_the_one_before_comes_back() {
        let mut leaderboard = Leaderboard::new(tick(10));
        let mut apply = |round: Option<Option<i64>>, accounts: &[(PlayerName, i32)]| {
            let mut delta = LeaderboardDelta {
                round,
                ..LeaderboardDelta::default()
            };
            for (player, tokens) in accounts {
                delta.changed(player, account(*tokens, 0, 1));
            }
            leaderboard.apply(delta);
            ranks(&mut leaderboard)
        };
        let row = |name: &str, profit| (1, name.to_owned(), profit);
        assert_eq!(apply(None, &[(values::player("ann"), 30)]), [row("ann", 30)]);
        assert_eq!(apply(Some(Some(2)), &[]), []);
        let accounts = [
            (values::player("bob").in_round(2), 5),
            (values::player("ann").in_round(1), 9),
            (values::player("cid"), 1),
        ];
        assert_eq!(apply(None, &accounts), [row("bob", 5)]);
        let after = apply(Some(None), &[]);
        assert_eq!(after, [row("ann", 30), (2, "cid".to_owned(), 1)]);
    }

    #[test]
    fn payments_do_not_change_a_rank() {
        let mut leaderboard = Leaderboard::new(tick(10));
        let trader = |dollars, stocks| {
            let paid = Account::default().deposit(Dollars(dollars)).unwrap().0;
            paid.buy(Stocks(stocks), Price::new(5).unwrap()).unwrap()
        };
        let mut delta = LeaderboardDelta::default();
        delta.changed(&values::player("big"), trader(400_000_000, 1));
        delta.changed(&values::player("small"), trader(10, 10));
        leaderboard.apply(delta);
        let row = |rank, name: &str, profit| (rank, name.to_owned(), profit);
        assert_eq!(ranks(&mut leaderboard), [row(1, "small", 50), row(2, "big", 5)]);
    }

    #[test]
    fn an_older_account_version_is_ignored() {
        let mut leaderboard = Leaderboard::new(tick(1));
        for (tokens, version) in [(5, 2), (9, 1), (7, 3)] {
            let mut delta = LeaderboardDelta::default();
            delta.changed(&values::player("ann"), account(tokens, 0, version));
            delta.changed(&values::player("ann"), account(99, 0, 0));
            leaderboard.apply(delta);
        }
        assert_eq!(ranks(&mut leaderboard), [(1, "ann".to_owned(), 7)]);
    }

    #[test]
    fn players_with_the_least_profit_are_dropped_above_the_maximum() {
        let mut leaderboard = Leaderboard::new(tick(1));
        let mut delta = LeaderboardDelta::default();
        for (number, tokens) in (0..RANKED_MAX + 100).zip(0..) {
            delta.changed(&values::player(&format!("p{number}")), account(tokens, 0, 1));
        }
        leaderboard.apply(delta);
        let snapshot = leaderboard.snapshot();
        assert_eq!(
            (snapshot.len(), leaderboard.accounts[&None].len()),
            (RANKED_MAX, RANKED_MAX)
        );
        assert_eq!(snapshot.rank_of(&values::player("p99")), None);
        assert!(snapshot.rank_of(&values::player("p100")).is_some());
    }

    #[test]
    fn a_full_snapshot_replaces_the_ranking_and_an_unchanged_one_is_not_an_update() {
        let mut leaderboard = Leaderboard::new(tick(1));
        let mut delta = LeaderboardDelta::default();
        delta.changed(&values::player("ann"), account(7, 0, 5));
        delta.changed(&values::player("bob"), account(9, 0, 1));
        delta.set_snapshot(vec![
            (values::player("bob"), account(3, 0, 2)),
            (values::player("ann"), account(99, 0, 4)),
        ]);
        leaderboard.apply(delta);
        assert_eq!(
            ranks(&mut leaderboard),
            [(1, "ann".to_owned(), 7), (2, "bob".to_owned(), 3)]
        );
        leaderboard.take_update();
        let mut delta = LeaderboardDelta::default();
        delta.set_snapshot(vec![(values::player("bob"), account(3, 0, 2))]);
        delta.tick = Some(tick(1));
        leaderboard.apply(delta);
        assert!(!leaderboard.has_update);
        let top = (0..RANKED_MAX)
            .map(|number| (values::player(&format!("p{number}")), account(1, 0, 1)))
            .collect();
        let mut delta = LeaderboardDelta::default();
        delta.set_snapshot(top);
        leaderboard.apply(delta);
        assert!(leaderboard.has_update);
        assert_eq!(
            leaderboard.snapshot().rank_of(&values::player("ann")),
            None,
            "not in the snapshot"
        );
    }
}
