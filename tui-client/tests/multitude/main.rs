//! Three casinos on one ledger in PostgreSQL, 200 players with the client's own logic of coming back, and everything
//! dies in turn: nothing is lost, nothing is done twice, and everybody sees one sequence of prices.
//!
//! Without PostgreSQL on this machine it says so and passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../casino-server/tests/support/cluster.rs"]
mod cluster;
mod player;
#[path = "../support/mod.rs"]
mod support;

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cluster::{Cluster, connect};
use player::Signals;
use rustix::process::Signal;
use support::{balancer::Balancer, casino::Casino};
use tokio::{task, task::JoinSet, time::timeout};

const PLAYERS: usize = 200;

/// How long anything may take before the test gives up: far longer than it does.
const DEADLINE: Duration = Duration::from_secs(120);

/// Casinos on one ledger, behind a balancer, and those who play at them.
struct Scene {
    cluster: Cluster,
    store: String,
    casinos: Vec<Casino>,
    balancer: Balancer,
    signals: Arc<Signals>,
    players: JoinSet<player::Played>,
}

impl Scene {
    async fn begin(cluster: Cluster) -> Self {
        let store = cluster.database("multitude");
        let casinos: Vec<_> = (0..3).map(|_| start(&store, "127.0.0.1:0")).collect();
        let addresses = casinos.iter().map(|casino| casino.address().to_owned());
        let balancer = Balancer::start(addresses.collect()).await;
        let signals = Arc::new(Signals {
            trades: (0..PLAYERS).map(|_| AtomicU64::new(0)).collect(),
            ..Signals::default()
        });
        let mut players = JoinSet::new();
        for number in 0..PLAYERS {
            players.spawn(player::play(number, balancer.url(), Arc::clone(&signals)));
        }
        Self {
            cluster,
            store,
            casinos,
            balancer,
            signals,
            players,
        }
    }

    /// Waits until every player has traded again.
    async fn everybody_plays(&mut self, when: &str) {
        let trades = || {
            self.signals
                .trades
                .iter()
                .map(|trades| trades.load(Ordering::SeqCst))
        };
        let before: Vec<u64> = trades().collect();
        let play = async {
            while trades().zip(&before).any(|(now, before)| now <= *before) {
                self.signals.traded.notified().await;
            }
        };
        let played = timeout(DEADLINE, play).await;
        let idle = trades()
            .zip(&before)
            .filter(|(now, before)| now <= *before)
            .count();
        assert!(played.is_ok(), "{when}: {idle} players have not traded");
        // One who has broken down would not be missed before the end.
        if let Some(ended) = self.players.try_join_next() {
            panic!("{when}: a player has left: {ended:?}");
        }
    }

    /// How often somebody has begun to lead the market.
    async fn term(&self) -> i64 {
        let row = connect(&self.store)
            .await
            .query_one("SELECT term FROM market", &[])
            .await;
        row.unwrap().get(0)
    }

    /// `kill -9` for one casino; the others go on without it, and it comes back at its address.
    async fn kill(&mut self, number: usize) {
        let address = task::block_in_place(|| self.casinos.remove(number).kill());
        self.everybody_plays("a casino is dead").await;
        let again = task::block_in_place(|| start(&self.store, &address));
        self.casinos.insert(number, again);
    }

    /// A casino is stopped in order, as for a new version, and started again.
    async fn replace(&mut self, number: usize) {
        let address = task::block_in_place(|| {
            let casino = self.casinos.remove(number);
            let address = casino.address().to_owned();
            casino.end();
            address
        });
        self.everybody_plays("a casino is being replaced").await;
        let again = task::block_in_place(|| start(&self.store, &address));
        self.casinos.insert(number, again);
    }

    /// The casino's own look through the ledger, whether anybody plays or not.
    fn check(&self) -> casino_server::AuditTotals {
        let store = self.store.parse().unwrap();
        let check = || casino_server::check(&store, |difference| panic!("{difference}"));
        task::block_in_place(check).unwrap()
    }

    /// Everybody waits for the last answers; then the ledger is looked through.
    async fn audit(mut self) {
        self.check();
        self.signals.stop.store(true, Ordering::SeqCst);
        let played = timeout(DEADLINE, mem::take(&mut self.players).join_all()).await;
        let played = played.expect("everybody is answered in the end");
        for casino in self.casinos.drain(..) {
            casino.signal(Signal::TERM);
            casino.end();
        }
        let kept = self.check();
        let ledger = connect(&self.store).await;
        let prices = audit::prices(&ledger).await;
        for played in &played {
            audit::player(&ledger, &prices, played).await;
        }
        let sum = |of: fn(&player::Played) -> usize| played.iter().map(of).sum::<usize>();
        let trades = sum(|played| played.trades.len());
        let seats = sum(|played| played.seats.iter().sum());
        assert!(trades > 10 * PLAYERS, "{trades} trades");
        assert_eq!(kept.players, u64::try_from(PLAYERS).unwrap());
        assert!(
            seats > 2 * PLAYERS,
            "{seats} seats: hardly anybody had to come back"
        );
        if sum(|played| played.seats[1]) == 0 {
            let again = sum(|played| played.sent_again);
            assert!(again > 0, "nobody had to send anything again");
        }
        drop(self.balancer);
    }
}

/// A casino on the ledger at `store`.
fn start(store: &str, address: &str) -> Casino {
    Casino::start_on(store, address, &["--tick", "200ms"])
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_nobody_loses_anything_and_everybody_sees_one_market() {
    let Some(cluster) = Cluster::start() else { return };
    let mut scene = Scene::begin(cluster).await;
    scene.everybody_plays("at first").await;
    let term = scene.term().await;
    // One after the other, so the leader too, whoever it is.
    for number in 0..3 {
        scene.kill(number).await;
    }
    assert!(scene.term().await > term, "the leader has died");
    task::block_in_place(|| scene.cluster.crash_and_restart());
    scene.everybody_plays("the database has died").await;
    scene.replace(0).await;
    scene.everybody_plays("in the end").await;
    scene.audit().await;
}
