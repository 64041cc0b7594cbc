//! Three casinos on one PostgreSQL ledger and 200 players with the client's reconnect logic. Casinos and the database
//! are killed in turn: nothing is lost or executed twice, and all players see one sequence of prices.
//!
//! Skipped without PostgreSQL.

mod audit;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../casino-server/tests/support/cluster.rs"]
mod cluster;
mod player;
#[path = "../support/mod.rs"]
mod support;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cluster::{Cluster, connect};
use player::Signals;
use rustix::process::Signal;
use support::balancer::Balancer;
use support::casino::Casino;
use tokio::task;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PLAYERS: usize = 200;

/// Timeout of every wait, far longer than needed.
const DEADLINE: Duration = Duration::from_secs(120);

/// Casinos on one ledger behind a balancer, and their players.
struct TestCluster {
    cluster: Cluster,
    store: String,
    casinos: Vec<Casino>,
    balancer: Balancer,
    signals: Arc<Signals>,
    players: JoinSet<player::PlayerLog>,
}

impl TestCluster {
    async fn start(cluster: Cluster) -> Self {
        let store = cluster.database("multitude");
        let casinos: Vec<_> = (0..3).map(|_| start_casino(&store, "127.0.0.1:0")).collect();
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
    async fn wait_until_all_trade(&mut self, when: &str) {
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
        // Report a failed player now and not only at the end.
        if let Some(ended) = self.players.try_join_next() {
            panic!("{when}: a player has left: {ended:?}");
        }
    }

    /// Number of leader elections so far.
    async fn term(&self) -> i64 {
        let row = connect(&self.store)
            .await
            .query_one("SELECT term FROM market", &[])
            .await;
        row.unwrap().get(0)
    }

    /// Kills a casino with SIGKILL; the others continue without it. Then restarts it at its address.
    async fn kill(&mut self, number: usize) {
        let address = task::block_in_place(|| self.casinos.remove(number).kill());
        self.wait_until_all_trade("a casino is dead").await;
        let restarted = task::block_in_place(|| start_casino(&self.store, &address));
        self.casinos.insert(number, restarted);
    }

    /// Shuts a casino down, as for an upgrade, and starts it again.
    async fn replace(&mut self, number: usize) {
        let address = task::block_in_place(|| {
            let casino = self.casinos.remove(number);
            let address = casino.address().to_owned();
            casino.end();
            address
        });
        self.wait_until_all_trade("a casino is being replaced").await;
        let restarted = task::block_in_place(|| start_casino(&self.store, &address));
        self.casinos.insert(number, restarted);
    }

    /// Runs the casino's own check of the ledger, also while players trade.
    fn check(&self) -> casino_server::AuditTotals {
        let store = self.store.parse().unwrap();
        let check = || casino_server::check(&store, |difference| panic!("{difference}"));
        task::block_in_place(check).unwrap()
    }

    /// Waits for all answers and then checks the ledger.
    async fn audit(mut self) {
        self.check();
        self.signals.stop.store(true, Ordering::SeqCst);
        let played = timeout(DEADLINE, mem::take(&mut self.players).join_all()).await;
        let played = played.expect("every order is answered");
        for casino in self.casinos.drain(..) {
            casino.signal(Signal::TERM);
            casino.end();
        }
        let stored = self.check();
        let ledger = connect(&self.store).await;
        let prices = audit::prices(&ledger).await;
        for played in &played {
            audit::player(&ledger, &prices, played).await;
        }
        let sum = |of: fn(&player::PlayerLog) -> usize| played.iter().map(of).sum::<usize>();
        let trades = sum(|played| played.trades.len());
        let sessions = sum(|played| played.sessions.iter().sum());
        assert!(trades > 10 * PLAYERS, "{trades} trades");
        assert_eq!(stored.players, u64::try_from(PLAYERS).unwrap());
        assert!(sessions > 2 * PLAYERS, "{sessions} sessions: too few reconnects");
        if sum(|played| played.sessions[1]) == 0 {
            let resent = sum(|played| played.resent);
            assert!(resent > 0, "no order was resent");
        }
        drop(self.balancer);
    }
}

/// Starts a casino on the ledger at `store`.
fn start_casino(store: &str, address: &str) -> Casino {
    Casino::start_on(store, address, &["--tick", "200ms"])
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_lose_nothing_and_all_players_see_one_market() {
    let Some(cluster) = Cluster::start() else { return };
    let mut cluster = TestCluster::start(cluster).await;
    cluster.wait_until_all_trade("at first").await;
    let term = cluster.term().await;
    // One after the other, so that the leader is killed too.
    for number in 0..3 {
        cluster.kill(number).await;
    }
    assert!(cluster.term().await > term, "the leader was killed");
    task::block_in_place(|| cluster.cluster.crash_and_restart());
    cluster.wait_until_all_trade("the database has died").await;
    cluster.replace(0).await;
    cluster.wait_until_all_trade("in the end").await;
    cluster.audit().await;
}
