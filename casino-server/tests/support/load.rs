//! Players that send actions at full load over raw HTTP/2 until the casino is gone.

use tokio::task::JoinSet;

use crate::http2::Connection;

/// Actions of one player.
pub(crate) struct PlayerTotals {
    pub(crate) name: String,
    /// Actions that were answered as executed.
    pub(crate) acknowledged: i64,
    /// Actions sent, with or without an answer.
    pub(crate) sent: i64,
}

/// Running players, each on its own connection.
pub(crate) struct LoadPlayers(JoinSet<PlayerTotals>);

impl LoadPlayers {
    /// Connects a player for each name and plays with `window` outstanding actions until the connections break.
    pub(crate) async fn play(address: &str, names: &[String], window: usize) -> Self {
        let mut players = JoinSet::new();
        for name in names {
            let connection = Connection::open(address, std::slice::from_ref(name))
                .await
                .unwrap();
            players.spawn(play(connection, name.clone(), window));
        }
        Self(players)
    }

    /// Waits until every player is disconnected.
    pub(crate) async fn until_disconnected(self) -> Vec<PlayerTotals> {
        crate::support::with_timeout(self.0.join_all()).await
    }
}

async fn play(mut connection: Connection, name: String, window: usize) -> PlayerTotals {
    let mut is_connected = connection.fill(window).await.is_ok();
    while is_connected {
        is_connected = connection.pump(true).await.is_ok();
    }
    PlayerTotals {
        name,
        acknowledged: connection.counters.executed as i64,
        sent: connection.counters.results as i64 + connection.outstanding() as i64,
    }
}

/// Returns `count` player names.
pub(crate) fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("p{number}")).collect()
}
