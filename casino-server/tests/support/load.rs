//! Players under full load, over connections of bare HTTP/2: until the casino is gone.

use tokio::task::JoinSet;

use crate::http2::Connection;

/// What one player's round came to.
pub(crate) struct Played {
    pub(crate) name: String,
    /// Actions of which the player was told that they were executed.
    pub(crate) acknowledged: i64,
    /// Actions sent, answered or not.
    pub(crate) sent: i64,
}

/// Players who play, each on a connection of its own.
pub(crate) struct Crowd(JoinSet<Played>);

impl Crowd {
    /// Has everybody sit down at `address`, and play with `window` actions outstanding until the connection breaks.
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

    /// Waits until the last of them has lost the connection.
    pub(crate) async fn gone(self) -> Vec<Played> {
        crate::support::soon(self.0.join_all()).await
    }
}

async fn play(mut connection: Connection, name: String, window: usize) -> Played {
    let mut alive = connection.fill(window).await.is_ok();
    while alive {
        alive = connection.pump(true).await.is_ok();
    }
    Played {
        name,
        acknowledged: connection.counted.executed as i64,
        sent: connection.counted.results as i64 + connection.outstanding() as i64,
    }
}

/// `count` names.
pub(crate) fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("p{number}")).collect()
}
