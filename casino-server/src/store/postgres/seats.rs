//! How many seats each player has at each casino, so that no player has more at all of them together than one may have.
//!
//! Each casino writes rows of its own, and they count as long as the casino says that it is there. Casinos that give
//! seats to the same player take turns by an advisory lock, so none is given twice. The table is not logged: after a
//! crash of the database every casino writes its rows anew.

use super::{
    company::counts_for,
    connect::{BY_KEY, Kept, Sessions, in_time},
    failure::Fault,
};
use crate::{identity::PlayerName, store::StoreError};

/// What a failure is a failure of.
const OPERATION: &str = "count the seats";

/// The way to the seats at all casinos.
#[derive(Debug)]
pub(crate) struct PostgresSeats {
    session: Kept,
    casino: String,
}

/// The seats of one player at this casino.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeatsHere {
    /// Whose.
    pub(crate) player: PlayerName,
    /// How many there are.
    pub(crate) held: usize,
    /// How many more are asked for.
    pub(crate) more: usize,
}

impl PostgresSeats {
    pub(super) fn new(sessions: Sessions, casino: String) -> Self {
        Self {
            session: Kept::new(sessions),
            casino,
        }
    }

    /// Opens a session, unless there is one. `true` if it is new: perhaps nothing is there of what was written before.
    pub(crate) async fn open(&mut self) -> Result<bool, StoreError> {
        if self.session.client().is_some() {
            return Ok(false);
        }
        let opened = async {
            let client = self.session.open().await?;
            in_time(client.batch_execute(BY_KEY)).await?;
            in_time(client.execute(BE_THERE, &[&self.casino, &counts_for()])).await
        };
        let opened: Result<_, Fault> = opened.await;
        opened
            .map(|_| true)
            .map_err(|fault| self.session.lost(fault, OPERATION))
    }

    /// Writes how many seats the players have here, each named once, and gives for each how many of those they ask for
    /// they may have: as many as make `max` at all casinos together. Seats that are held already stay. Only in the session
    /// that was [opened](Self::open): in a new one nobody knows what is there.
    pub(crate) async fn give(&mut self, here: &[SeatsHere], max: usize) -> Result<Vec<usize>, StoreError> {
        let casino = self.casino.clone();
        let asking: Vec<&str> = here
            .iter()
            .filter(|seats| seats.more > 0)
            .map(|seats| seats.player.as_str())
            .collect();
        let players: Vec<&str> = here.iter().map(|seats| seats.player.as_str()).collect();
        let held: Vec<i32> = here.iter().map(|seats| count(seats.held)).collect();
        let wanted = here
            .iter()
            .map(|seats| count(seats.held.saturating_add(seats.more)));
        let (wanted, max): (Vec<i32>, i32) = (wanted.collect(), count(max));
        let asked = async {
            let client = self.session.client().ok_or(Fault::Row("the session is lost"))?;
            in_time(client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED")).await?;
            if !asking.is_empty() {
                in_time(client.execute(TAKE_TURNS, &[&asking])).await?;
            }
            let rows = in_time(client.query(GIVE, &[&casino, &players, &held, &wanted, &max])).await?;
            in_time(client.batch_execute("COMMIT")).await?;
            let given: Result<Vec<i32>, _> = rows.iter().map(|row| row.try_get(0)).collect();
            Ok(given?)
        };
        let given: Result<Vec<i32>, Fault> = asked.await;
        let given = given.map_err(|fault| self.session.lost(fault, OPERATION))?;
        Ok(given
            .into_iter()
            .zip(here)
            .map(|(given, seats)| usize::try_from(given).unwrap_or(0).saturating_sub(seats.held))
            .collect())
    }
}

fn count(seats: usize) -> i32 {
    i32::try_from(seats).unwrap_or(i32::MAX)
}

/// A casino that has not said yet who is seated is there all the same.
const BE_THERE: &str = "
INSERT INTO company (casino, until, watches, players, unnamed, names)
    VALUES ($1, clock_timestamp() + $2::bigint * interval '1 millisecond', false, 0, 0, '{}')
    ON CONFLICT (casino) DO NOTHING";

/// In the order of the locks, so that casinos wait for each other and never in a circle.
const TAKE_TURNS: &str = "
SELECT pg_advisory_xact_lock(turn) FROM (
    SELECT DISTINCT hashtextextended(player, 1098339188) AS turn FROM unnest($1::text[]) AS n (player) ORDER BY turn
) AS turns";

/// In the order in which the players are named.
const GIVE: &str = "
WITH here AS (
    SELECT * FROM unnest($2::text[], $3::integer[], $4::integer[])
        WITH ORDINALITY AS n (player, held, wanted, place)
), elsewhere AS (
    SELECT s.player, sum(s.seats) AS seats FROM seats AS s JOIN company AS c ON c.casino = s.casino
        WHERE s.player = ANY($2::text[]) AND s.casino <> $1 AND c.until > clock_timestamp() GROUP BY s.player
), given AS (
    SELECT h.place, h.player, greatest(h.held, least(h.wanted, $5::integer - coalesce(e.seats, 0)))::integer AS seats
        FROM here AS h LEFT JOIN elsewhere AS e ON e.player = h.player
), gone AS (
    DELETE FROM seats AS s USING given AS g WHERE s.casino = $1 AND s.player = g.player AND g.seats = 0
), told AS (
    INSERT INTO seats (player, casino, seats) SELECT player, $1, seats FROM given WHERE seats > 0
        ON CONFLICT (player, casino) DO UPDATE SET seats = excluded.seats
)
SELECT seats FROM given ORDER BY place";
