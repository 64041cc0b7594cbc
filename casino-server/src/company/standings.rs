//! Core: who owns how much, and the ranking that follows from it.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use crate::{
    account::Account,
    identity::PlayerName,
    market::Tick,
    quantity::{Stocks, Tokens},
};

/// Players ranked. Of more, those who own least are forgotten until they are heard of again.
pub(super) const RANKED_MAX: usize = 16 * 1024;

/// What of an account is ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wealth {
    tokens: Tokens,
    stocks: Stocks,
    /// Counts the changes of the account: of two, the higher is newer.
    version: i64,
}

impl Wealth {
    /// What of `account` is ranked.
    pub(super) fn of(account: &Account) -> Self {
        Self {
            tokens: account.tokens,
            stocks: account.stocks,
            version: account.version,
        }
    }
}

/// What has been heard of since somebody last listened.
#[derive(Debug, Default)]
pub(super) struct Heard {
    changed: HashMap<PlayerName, Wealth>,
    /// Those who own most of all there are, if that was told.
    whole: Option<HashMap<PlayerName, Wealth>>,
    tick: Option<Tick>,
}

impl Heard {
    /// Somebody owns `wealth`. What is older than what is known already is passed over.
    pub(super) fn changed(&mut self, player: &PlayerName, wealth: Wealth) {
        keep_newer(&mut self.changed, player, wealth);
    }

    /// These own most, of all there are: if they are as many as are ranked, nobody else does.
    pub(super) fn whole(&mut self, richest: &[(PlayerName, Account)]) {
        let richest = richest.iter();
        let named = richest.map(|(player, account)| (player.clone(), Wealth::of(account)));
        self.whole = Some(named.collect());
    }

    /// The price has moved.
    pub(super) fn ticked(&mut self, tick: Tick) {
        self.tick = Some(tick);
    }

    /// Nothing.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.whole.is_none() && self.tick.is_none()
    }
}

/// Says whether it was newer.
fn keep_newer(all: &mut HashMap<PlayerName, Wealth>, player: &PlayerName, wealth: Wealth) -> bool {
    match all.entry(player.clone()) {
        Entry::Occupied(mut known) if known.get().version < wealth.version => {
            known.insert(wealth);
            true
        }
        Entry::Occupied(_) => false,
        Entry::Vacant(unknown) => {
            unknown.insert(wealth);
            true
        }
    }
}

/// What everybody heard of owns.
#[derive(Debug)]
pub(super) struct Standings {
    wealth: HashMap<PlayerName, Wealth>,
    tick: Tick,
    /// The ranking of what is held, if it has been made.
    made: Option<Arc<Ranking>>,
    /// Something was heard since the news were told.
    news: bool,
}

/// A player's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// 1 for the highest equity; equal ones share it.
    pub(crate) rank: usize,
    /// Who.
    pub(crate) player: PlayerName,
    /// Tokens and stocks at the price, in tokens.
    pub(crate) equity: i64,
    /// Tokens.
    pub(crate) tokens: Tokens,
    /// Stocks.
    pub(crate) stocks: Stocks,
}

/// Everybody in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ranking {
    /// The highest equity first, those of the same by name.
    standings: Vec<Standing>,
    /// Where in it each player is.
    places: HashMap<PlayerName, usize>,
    /// At whose price.
    pub(crate) tick: Tick,
}

impl Standings {
    /// Nobody yet, at the price of `tick`.
    pub(super) fn new(tick: Tick) -> Self {
        Self {
            wealth: HashMap::new(),
            tick,
            made: None,
            news: false,
        }
    }

    /// Takes in what has been heard.
    pub(super) fn hear(&mut self, heard: Heard) {
        let mut news = false;
        if let Some(whole) = heard.whole {
            if whole.len() >= RANKED_MAX {
                let before = self.wealth.len();
                self.wealth.retain(|player, _| whole.contains_key(player));
                news |= self.wealth.len() < before;
            }
            for (player, wealth) in whole {
                news |= keep_newer(&mut self.wealth, &player, wealth);
            }
        }
        for (player, wealth) in heard.changed {
            news |= keep_newer(&mut self.wealth, &player, wealth);
        }
        if let Some(tick) = heard.tick {
            news |= tick != self.tick;
            self.tick = tick;
        }
        if news {
            self.made = None;
            self.news = true;
        }
    }

    /// Something was heard since [`Standings::news`].
    pub(super) fn has_news(&self) -> bool {
        self.news
    }

    /// The ranking, to be told to everybody.
    pub(super) fn news(&mut self) -> Arc<Ranking> {
        self.news = false;
        self.ranking()
    }

    /// The ranking of what is held.
    pub(super) fn ranking(&mut self) -> Arc<Ranking> {
        if let Some(made) = &self.made {
            return Arc::clone(made);
        }
        let made = Arc::new(Ranking::new(&self.wealth, self.tick));
        if self.wealth.len() > made.standings.len() {
            self.wealth.retain(|player, _| made.places.contains_key(player));
        }
        self.made = Some(Arc::clone(&made));
        made
    }
}

impl Ranking {
    fn new(wealth: &HashMap<PlayerName, Wealth>, tick: Tick) -> Self {
        let mut standings: Vec<Standing> = wealth
            .iter()
            .map(|(player, wealth)| Standing {
                rank: 0,
                player: player.clone(),
                equity: wealth
                    .tokens
                    .wide()
                    .saturating_add(tick.price.times(wealth.stocks)),
                tokens: wealth.tokens,
                stocks: wealth.stocks,
            })
            .collect();
        standings.sort_unstable_by(|a, b| b.equity.cmp(&a.equity).then_with(|| a.player.cmp(&b.player)));
        standings.truncate(RANKED_MAX);
        let (mut rank, mut equity) = (1, None);
        for (position, standing) in (1..).zip(&mut standings) {
            if equity != Some(standing.equity) {
                (rank, equity) = (position, Some(standing.equity));
            }
            standing.rank = rank;
        }
        let places = standings.iter().map(|standing| standing.player.clone());
        Self {
            places: places.zip(0..).collect(),
            standings,
            tick,
        }
    }

    /// The first `most`.
    pub(crate) fn top(&self, most: usize) -> &[Standing] {
        self.standings.get(..most).unwrap_or(&self.standings)
    }

    /// The place of `player`, if they are ranked.
    pub(crate) fn of(&self, player: &PlayerName) -> Option<&Standing> {
        self.standings.get(*self.places.get(player)?)
    }

    /// How many are ranked.
    pub(crate) fn len(&self) -> usize {
        self.standings.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{Price, UnixMillis};

    fn tick(price: i32) -> Tick {
        Tick {
            number: 1,
            price: Price::new(price).unwrap(),
            at: UnixMillis(0),
        }
    }

    fn wealth(tokens: i32, stocks: i32, version: i64) -> Wealth {
        Wealth {
            tokens: Tokens(tokens),
            stocks: Stocks(stocks),
            version,
        }
    }

    fn name(name: &str) -> PlayerName {
        PlayerName::new(name).unwrap()
    }

    fn ranks(standings: &mut Standings) -> Vec<(usize, String, i64)> {
        let ranking = standings.ranking();
        let top = ranking.top(20).iter();
        top.map(|standing| (standing.rank, standing.player.to_string(), standing.equity))
            .collect()
    }

    #[test]
    fn equity_at_the_price_decides_and_equals_share_a_place() {
        let mut standings = Standings::new(tick(10));
        let mut heard = Heard::default();
        for (player, wealth) in [
            ("cid", wealth(0, 3, 1)),
            ("ann", wealth(30, 0, 1)),
            ("bob", wealth(50, 0, 1)),
            ("dot", wealth(1, 0, 1)),
        ] {
            heard.changed(&name(player), wealth);
        }
        standings.hear(heard);
        let row = |rank, name: &str, equity| (rank, name.to_owned(), equity);
        assert_eq!(
            ranks(&mut standings),
            [
                row(1, "bob", 50),
                row(2, "ann", 30),
                row(2, "cid", 30),
                row(4, "dot", 1)
            ]
        );
        let mut heard = Heard::default();
        heard.ticked(tick(20));
        standings.hear(heard);
        assert_eq!(ranks(&mut standings)[0], row(1, "cid", 60));
        let ranking = standings.ranking();
        assert_eq!(ranking.of(&name("dot")).unwrap().rank, 4);
        assert_eq!((ranking.of(&name("eve")), ranking.len()), (None, 4));
        assert!(Arc::ptr_eq(&ranking, &standings.ranking()), "made once");
    }

    #[test]
    fn of_two_words_on_one_player_the_newer_counts() {
        let mut standings = Standings::new(tick(1));
        for (tokens, version) in [(5, 2), (9, 1), (7, 3)] {
            let mut heard = Heard::default();
            heard.changed(&name("ann"), wealth(tokens, 0, version));
            heard.changed(&name("ann"), wealth(99, 0, 0));
            standings.hear(heard);
        }
        assert_eq!(ranks(&mut standings), [(1, "ann".to_owned(), 7)]);
    }

    #[test]
    fn those_who_own_least_are_forgotten_when_there_are_too_many() {
        let mut standings = Standings::new(tick(1));
        let mut heard = Heard::default();
        for (number, tokens) in (0..RANKED_MAX + 100).zip(0..) {
            heard.changed(&name(&format!("p{number}")), wealth(tokens, 0, 1));
        }
        standings.hear(heard);
        let ranking = standings.ranking();
        assert_eq!((ranking.len(), standings.wealth.len()), (RANKED_MAX, RANKED_MAX));
        assert_eq!(ranking.of(&name("p99")), None);
        assert!(ranking.of(&name("p100")).is_some());
    }

    #[test]
    fn the_richest_of_all_take_the_places_of_those_who_are_not_and_nothing_new_is_no_news() {
        let account = |tokens: i32, version| Account {
            tokens: Tokens(tokens),
            version,
            ..Account::default()
        };
        let mut standings = Standings::new(tick(1));
        let mut heard = Heard::default();
        heard.changed(&name("ann"), wealth(7, 0, 5));
        heard.changed(&name("bob"), wealth(9, 0, 1));
        heard.whole(&[(name("bob"), account(3, 2)), (name("ann"), account(99, 4))]);
        standings.hear(heard);
        assert_eq!(
            ranks(&mut standings),
            [(1, "ann".to_owned(), 7), (2, "bob".to_owned(), 3)]
        );
        standings.news();
        let mut heard = Heard::default();
        heard.whole(&[(name("bob"), account(3, 2))]);
        heard.ticked(tick(1));
        standings.hear(heard);
        assert!(!standings.has_news());
        let richest: Vec<_> = (0..RANKED_MAX)
            .map(|number| (name(&format!("p{number}")), account(1, 1)))
            .collect();
        let mut heard = Heard::default();
        heard.whole(&richest);
        standings.hear(heard);
        assert!(standings.has_news());
        assert_eq!(standings.ranking().of(&name("ann")), None, "others own more");
    }
}
