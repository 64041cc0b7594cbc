//! The writer's connection and its prepared statements.

use std::collections::HashMap;

use futures_util::future::{join, join3, join5};
use tokio_postgres::{Client, Row, Statement};

use crate::domain::money::UnixMillis;
use crate::store::Batch;
use crate::store::cluster::{BatchInputs, LoadedAccount, LoadedAccounts, RateLimits};
use crate::store::postgres::connection::{BY_KEY, with_timeout};
use crate::store::postgres::error::PgError;
use crate::store::postgres::rows::{self, BUCKET_COLUMNS, RECORD_COLUMNS};

#[derive(Debug)]
pub(super) struct WriterConnection {
    pub(super) client: Client,
    create: Statement,
    lock: Statement,
    answers: Statement,
    orders: Statement,
    round: Statement,
    ticks: Statement,
    marker: Statement,
    pub(super) update: Statement,
    pub(super) pay: Statement,
    pub(super) trade: Statement,
    pub(super) insert_answers: Statement,
    pub(super) write_orders: Statement,
}

impl WriterConnection {
    pub(super) async fn prepare(client: Client) -> Result<Self, PgError> {
        let lock = format!(
            "SELECT {RECORD_COLUMNS}, {BUCKET_COLUMNS} FROM accounts WHERE name = ANY($1)
                ORDER BY id FOR NO KEY UPDATE"
        );
        with_timeout(client.batch_execute(BY_KEY)).await?;
        // One by one, since connections are rarely opened.
        Ok(Self {
            create: with_timeout(client.prepare(CREATE)).await?,
            lock: with_timeout(client.prepare(&lock)).await?,
            answers: with_timeout(client.prepare(ANSWERS)).await?,
            orders: with_timeout(client.prepare(ORDERS)).await?,
            round: with_timeout(client.prepare(ROUND)).await?,
            ticks: with_timeout(client.prepare(TICKS)).await?,
            marker: with_timeout(client.prepare(MARKER)).await?,
            update: with_timeout(client.prepare(UPDATE)).await?,
            pay: with_timeout(client.prepare(PAY)).await?,
            trade: with_timeout(client.prepare(TRADE)).await?,
            insert_answers: with_timeout(client.prepare(INSERT_ANSWERS)).await?,
            write_orders: with_timeout(client.prepare(WRITE_ORDERS)).await?,
            client,
        })
    }

    /// Begins a transaction and loads the locked accounts in one pipelined round trip.
    pub(super) async fn load(&self, inputs: &BatchInputs<'_>) -> Result<LoadedAccounts, PgError> {
        let client = &self.client;
        let create = async { self.execute(&self.create, &inputs.new, &[&inputs.new]).await };
        // A separate statement after the locks sees the answers stored by earlier holders.
        let answers = async {
            if inputs.ids.is_empty() {
                return Ok(Vec::new());
            }
            let (names, ids): (Vec<_>, Vec<_>) = inputs
                .ids
                .iter()
                .map(|(name, id)| (*name, id.0.as_slice()))
                .unzip();
            client.query(&self.answers, &[&names, &ids]).await
        };
        let orders = async {
            match inputs.orders.is_empty() {
                true => Ok(Vec::new()),
                false => client.query(&self.orders, &[&inputs.orders]).await,
            }
        };
        let asked = async {
            let (began, created, rows, (answers, orders, round), ticks) = join5(
                client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
                create,
                client.query(&self.lock, &[&inputs.players]),
                join3(answers, orders, client.query_opt(&self.round, &[])),
                client.query(&self.ticks, &[&inputs.last_tick]),
            )
            .await;
            began?;
            created?;
            Ok::<_, PgError>((rows?, answers?, orders?, round?, ticks?))
        };
        let (rows, answers, orders, round, ticks) = with_timeout(Box::pin(asked)).await?;
        let newest = ticks.last().ok_or(PgError::Row("there is no price"))?;
        Ok(LoadedAccounts {
            accounts: accounts(&rows, &answers, &orders)?,
            tick: rows::tick(newest)?,
            round: round.as_ref().map(rows::round).transpose()?,
            new_ticks: ticks.iter().map(rows::tick).collect::<Result<_, _>>()?,
            at: UnixMillis(newest.try_get(3)?),
        })
    }

    /// Writes the batch in one pipelined round trip. COMMIT is sent only afterwards, since a statement that was
    /// never sent would go unnoticed.
    pub(super) async fn write(
        &self,
        casino: &str,
        number: i64,
        batch: &Batch,
        buckets: &RateLimits,
    ) -> Result<(), PgError> {
        let written = async {
            let (marked, (updated, ordered), paid, traded, answered) = join5(
                self.client.execute(&self.marker, &[&casino, &number]),
                join(self.update_accounts(batch, buckets), self.write_orders(batch)),
                self.insert_payments(batch),
                self.insert_trades(batch),
                self.insert_answers(batch),
            )
            .await;
            // In the order of the statements: those after a failed one fail for another reason.
            marked?;
            updated?;
            ordered?;
            paid?;
            traded?;
            answered
        };
        with_timeout(Box::pin(written)).await?;
        Ok(())
    }
}

fn accounts(
    rows: &[Row],
    answers: &[Row],
    orders: &[Row],
) -> Result<HashMap<String, LoadedAccount>, PgError> {
    let mut accounts = HashMap::new();
    for row in rows {
        let account = LoadedAccount {
            record: rows::record(row)?,
            answers: Vec::new(),
            last_answer: rows::last_answer(row)?,
            orders: Vec::new(),
            bucket: rows::bucket(row)?,
        };
        accounts.insert(rows::name(row)?, account);
    }
    for row in answers {
        let name: &str = row.try_get(0)?;
        if let Some(account) = accounts.get_mut(name) {
            account.answers.push(rows::answer(row, 1)?);
        }
    }
    for row in orders {
        let name: &str = row.try_get(4)?;
        if let Some(account) = accounts.get_mut(name) {
            account.orders.push(rows::order(row)?);
        }
    }
    Ok(accounts)
}

/// Creates missing accounts. Waits for a name that another server is just creating.
const CREATE: &str = "
INSERT INTO accounts (name)
    SELECT name FROM unnest($1::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM accounts AS a WHERE a.name = n.name)
    ORDER BY name
    ON CONFLICT DO NOTHING";

const ANSWERS: &str = "
SELECT n.name, r.receipt FROM unnest($1::text[], $2::bytea[]) AS n (name, id)
    JOIN accounts AS a ON a.name = n.name
    JOIN receipts AS r ON int8send(r.account) || r.id = int8send(a.id) || n.id";

/// The open orders of some players, oldest first.
const ORDERS: &str = "
SELECT o.number, o.account, o.ended, o.details, a.name FROM unnest($1::text[]) AS n (name)
    JOIN accounts AS a ON a.name = n.name
    JOIN orders AS o ON o.account = a.id AND o.ended IS NULL
    ORDER BY o.number";

/// The open round, which waits with its changes for the end of the transaction.
const ROUND: &str = "SELECT details FROM rounds WHERE is_open FOR SHARE";

/// The newest ticks from a number on, at least one.
const TICKS: &str = "
SELECT number, price, at_unix_ms, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM (
    SELECT number, price, at_unix_ms FROM ticks WHERE number >= least($1, (SELECT max(number) FROM ticks))
        ORDER BY number DESC LIMIT 1000
) AS newest ORDER BY number";

/// Inserts the marker of a transaction and deletes old ones.
const MARKER: &str = "
WITH past AS (DELETE FROM batches WHERE casino = $1 AND number < $2::bigint - 100)
INSERT INTO batches (casino, number) VALUES ($1, $2::bigint)";

const UPDATE: &str = "
UPDATE accounts AS a SET tokens = n.tokens, stocks = n.stocks, cost_basis = n.cost_basis,
    realised_pnl = n.realised_pnl, dollars_in = n.dollars_in, dollars_out = n.dollars_out, version = n.version,
    payments = n.payments, trades = n.trades, receipts = greatest(a.receipts, n.receipts),
    allowance = n.allowance, allowance_at_unix_ms = n.allowance_at_unix_ms
FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
    AS n (id, tokens, stocks, cost_basis, realised_pnl, dollars_in, dollars_out, version, payments, trades, receipts,
        allowance, allowance_at_unix_ms)
WHERE a.id = n.id";

/// Inserts payments, and notifies the other servers.
const PAY: &str = "
WITH paid AS (
    INSERT INTO payments (account, number, amount, at_unix_ms)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[])
    RETURNING account
)
SELECT pg_notify('awesomestock_orders', a.name) FROM accounts AS a WHERE a.id IN (SELECT account FROM paid)";

const TRADE: &str = "
INSERT INTO trades (account, number, side, stocks, price, tick, at_unix_ms)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::integer[], $5::integer[], $6::bigint[],
        $7::bigint[])";

/// Stores answers and deletes the oldest beyond the limit.
const INSERT_ANSWERS: &str = "
WITH forgotten AS (
    DELETE FROM receipts AS r USING unnest($5::bigint[], $6::bigint[]) AS n (account, last)
        WHERE r.account = n.account AND r.number <= n.last
)
INSERT INTO receipts (account, number, id, receipt)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])";

/// Inserts new orders and ends open ones. Notifies the other servers. The numbers of the ends rise: the accounts are
/// locked, and a batch changes fewer than 65,536 orders. Returns the number of orders written.
const WRITE_ORDERS: &str = "
WITH base AS MATERIALIZED (
    SELECT nextval('order_ends') * 65536 AS ends
), changed AS MATERIALIZED (
    SELECT account, id, falls, price, details, is_new, is_ended, place, base.ends + place AS ends
    FROM unnest($1::bigint[], $2::bytea[], $3::boolean[], $4::integer[], $5::bytea[], $6::boolean[], $7::boolean[])
        WITH ORDINALITY AS n (account, id, falls, price, details, is_new, is_ended, place), base
), placed AS (
    INSERT INTO orders (account, id, ended, falls, price, details)
        SELECT account, id, CASE WHEN is_ended THEN ends END, falls, price, details FROM changed WHERE is_new
        ORDER BY place
    RETURNING number
), closed AS (
    UPDATE orders AS o SET ended = c.ends, details = c.details FROM changed AS c
        WHERE NOT c.is_new AND o.account = c.account AND o.id = c.id AND o.ended IS NULL
    RETURNING o.number
), told AS (
    SELECT pg_notify('awesomestock_orders', a.name) FROM accounts AS a
        WHERE a.id IN (SELECT account FROM changed)
)
SELECT (SELECT count(*) FROM placed) + (SELECT count(*) FROM closed), (SELECT count(*) FROM told)";
