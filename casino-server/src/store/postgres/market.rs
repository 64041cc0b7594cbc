//! The market of several casinos: who leads it, and how its ticks reach the others.
//!
//! The leader has a lease in the market's row, by the server's clock, and renews it in the very statement that stores a
//! tick. A tick's number is its key: whoever believes to lead, the second tick of a number is not stored. Each tick is
//! notified to all who listen; what a notification missed is read from the table. The claims of names are kept by the
//! same session: they are few, and belong to no batch.

use std::{sync::Arc, time::Duration};

use tokio_postgres::Client;

use super::{
    claims,
    connect::{Sessions, in_time},
    ears::{Ears, LISTEN},
    failure::Fault,
    rollup, rows,
};
use crate::{history::RETENTION, identity::Claim, market::Tick, store::StoreError};

/// The way to the market's leader and its ticks.
#[derive(Debug)]
pub(crate) struct PostgresMarket {
    sessions: Sessions,
    /// `None` until it is needed, and after a failure.
    session: Option<Client>,
    ears: Arc<Ears>,
    /// What this casino is called, and nobody else.
    casino: String,
}

/// What became of an attempt to store a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Led {
    /// The tick is stored.
    Stored,
    /// This casino leads, and the tick is not the next: there are ticks that it has not heard of.
    Behind,
    /// Another casino leads.
    Follows,
}

impl PostgresMarket {
    pub(super) fn new(sessions: Sessions, casino: String) -> Self {
        Self {
            sessions,
            session: None,
            ears: Arc::default(),
            casino,
        }
    }

    /// What its session hears.
    pub(crate) fn ears(&self) -> Arc<Ears> {
        Arc::clone(&self.ears)
    }

    /// Stores `tick` if this casino leads the market, or nobody does; it leads then for `lease` from now.
    pub(crate) async fn lead(&mut self, lease: Duration, tick: Tick) -> Result<Led, StoreError> {
        let leader = self.casino.clone();
        let millis = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let asked = async {
            let client = self.session().await?;
            let row = in_time(client.query_one(
                LEAD,
                &[&leader, &millis, &tick.number, &tick.price.get(), &tick.at.0],
            ))
            .await?;
            Ok(match (row.try_get(0)?, row.try_get(1)?) {
                (_, true) => Led::Stored,
                (true, false) => Led::Behind,
                (false, false) => Led::Follows,
            })
        };
        let led: Result<Led, Fault> = asked.await;
        led.map_err(|fault| self.lost(fault, "move the price"))
    }

    /// Rolls up a part of the past, if it is due.
    pub(crate) async fn roll_up(&mut self) -> Result<(), StoreError> {
        let asked = async { rollup::roll_up(self.session().await?, RETENTION).await };
        let rolled_up: Result<_, Fault> = asked.await;
        rolled_up.map_err(|fault| self.lost(fault, "roll up the prices"))
    }

    /// Keeps `claim`, unless the name belongs to another key; says whether it belongs to this one.
    pub(crate) async fn claim(&mut self, claim: &Claim) -> Result<bool, StoreError> {
        let asked = async { claims::claim(self.session().await?, claim).await };
        let claimed: Result<bool, Fault> = asked.await;
        claimed.map_err(|fault| self.lost(fault, "write the claims"))
    }

    /// The ticks after the one numbered `number`, oldest first.
    pub(crate) async fn ticks_after(&mut self, number: i64) -> Result<Vec<Tick>, StoreError> {
        let asked = async { ticks_after(self.session().await?, number).await };
        let ticks: Result<_, Fault> = asked.await;
        ticks.map_err(|fault| self.lost(fault, "read the prices"))
    }

    /// A session that listens.
    async fn session(&mut self) -> Result<&Client, Fault> {
        let kept = self.session.take().filter(|client| !client.is_closed());
        let client = match kept {
            Some(client) => client,
            None => {
                let client = self.sessions.open_listening(Some(self.ears())).await?;
                in_time(client.batch_execute(LISTEN)).await?;
                // What was said before it listened.
                self.ears.miss();
                client
            }
        };
        Ok(self.session.insert(client))
    }

    fn lost(&mut self, fault: Fault, operation: &'static str) -> StoreError {
        self.session = None;
        fault.of(operation)
    }
}

/// The ticks after the one numbered `number`, oldest first.
pub(super) async fn ticks_after(client: &Client, number: i64) -> Result<Vec<Tick>, Fault> {
    let rows = in_time(client.query(AFTER, &[&number])).await?;
    rows.iter().map(rows::tick).collect()
}

/// Ticks that nobody has heard of for longer than the newest of these are history, to be read page by page.
const AFTER: &str = "
SELECT number, price, at_unix_ms FROM (
    SELECT number, price, at_unix_ms FROM ticks WHERE number > $1 ORDER BY number DESC LIMIT 1000
) AS newest ORDER BY number";

const LEAD: &str = "
WITH led AS (
    UPDATE market SET leader = $1, leads_until = clock_timestamp() + $2::bigint * interval '1 millisecond',
        term = term + CASE WHEN leader IS DISTINCT FROM $1 THEN 1 ELSE 0 END
    WHERE leader IS NOT DISTINCT FROM $1 OR leads_until < clock_timestamp()
    RETURNING id
), stored AS (
    INSERT INTO ticks (number, price, at_unix_ms)
        SELECT $3::bigint, $4::integer, $5::bigint FROM led
        WHERE $3 = (SELECT max(number) + 1 FROM ticks)
        ON CONFLICT DO NOTHING
    RETURNING number
), told AS (
    SELECT pg_notify('awesomestock_ticks', number::text) FROM stored
)
SELECT EXISTS (SELECT FROM led), (SELECT count(*) FROM told) > 0";
