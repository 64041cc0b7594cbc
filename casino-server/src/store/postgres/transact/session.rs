//! The session of the writer: what it has prepared, and what it asks for in one round trip.

use std::collections::HashMap;

use futures_util::future::join5;
use tokio_postgres::{Client, Row, Statement};

use super::{Loaded, LoadedAccount, Wanted, columns::Columns};
use crate::{
    quantity::UnixMillis,
    store::postgres::{
        connect::{BY_KEY, in_time},
        failure::Fault,
        rows::{self, ALLOWANCE_COLUMNS, RECORD_COLUMNS},
    },
};

/// A session and what it has prepared.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    make: Statement,
    lock: Statement,
    known: Statement,
    tick: Statement,
    mark: Statement,
    update: Statement,
    pay: Statement,
    trade: Statement,
    file: Statement,
}

impl Session {
    /// The session itself.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Readies a session for batches.
    pub(super) async fn prepare(client: Client) -> Result<Self, Fault> {
        let lock = format!(
            "SELECT {RECORD_COLUMNS}, {ALLOWANCE_COLUMNS} FROM accounts WHERE name = ANY($1)
                ORDER BY id FOR NO KEY UPDATE"
        );
        in_time(client.batch_execute(BY_KEY)).await?;
        // One is called for every few batches, so they are prepared one after the other.
        Ok(Self {
            make: in_time(client.prepare(MAKE)).await?,
            lock: in_time(client.prepare(&lock)).await?,
            known: in_time(client.prepare(KNOWN)).await?,
            tick: in_time(client.prepare(TICK)).await?,
            mark: in_time(client.prepare(MARK)).await?,
            update: in_time(client.prepare(UPDATE)).await?,
            pay: in_time(client.prepare(PAY)).await?,
            trade: in_time(client.prepare(TRADE)).await?,
            file: in_time(client.prepare(FILE)).await?,
            client,
        })
    }

    /// Begins a transaction, and gives what it has locked. One round trip: what is asked first is answered first.
    pub(super) async fn load(&self, wanted: &Wanted<'_>) -> Result<Loaded, Fault> {
        let client = &self.client;
        let make = async {
            match wanted.new.is_empty() {
                true => Ok(0),
                false => client.execute(&self.make, &[&wanted.new]).await,
            }
        };
        // A statement of its own, after the locks: it sees what was filed by those who held them before.
        let known = async {
            if wanted.ids.is_empty() {
                return Ok(Vec::new());
            }
            let (names, ids): (Vec<_>, Vec<_>) = wanted
                .ids
                .iter()
                .map(|(name, id)| (*name, id.0.as_slice()))
                .unzip();
            client.query(&self.known, &[&names, &ids]).await
        };
        let asked = async {
            let (begun, made, rows, known, tick) = join5(
                client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
                make,
                client.query(&self.lock, &[&wanted.players]),
                known,
                client.query_one(&self.tick, &[]),
            )
            .await;
            begun?;
            made?;
            Ok((rows?, known?, tick?))
        };
        let (rows, known, tick) = in_time(asked).await?;
        Ok(Loaded {
            accounts: accounts(&rows, &known)?,
            tick: rows::tick(&tick)?,
            at: UnixMillis(tick.try_get(3)?),
        })
    }

    /// Writes, in one round trip. All of it is there, or this fails: COMMIT is not asked for in the same breath, because
    /// a statement that never left this process would be missed by nobody.
    pub(super) async fn write(&self, (casino, number): (&str, i64), columns: &Columns) -> Result<(), Fault> {
        let asked = async {
            let (marked, updated, paid, traded, filed) = join5(
                self.client.execute(&self.mark, &[&casino, &number]),
                columns.update(&self.client, &self.update),
                columns.pay(&self.client, &self.pay),
                columns.trade(&self.client, &self.trade),
                columns.file(&self.client, &self.file),
            )
            .await;
            marked?;
            paid?;
            traded?;
            filed?;
            updated
        };
        if in_time(asked).await? != columns.accounts() {
            return Err(Fault::Row("an account that is not there was changed"));
        }
        Ok(())
    }
}

/// The accounts of `rows`, each with those of the receipts `known` that are its own.
fn accounts(rows: &[Row], known: &[Row]) -> Result<HashMap<String, LoadedAccount>, Fault> {
    let mut accounts = HashMap::new();
    for row in rows {
        let account = LoadedAccount {
            record: rows::record(row)?,
            receipts: Vec::new(),
            last_receipt: rows::last_receipt(row)?,
            allowance: rows::allowance(row)?,
        };
        accounts.insert(rows::name(row)?, account);
    }
    for row in known {
        let name: &str = row.try_get(0)?;
        if let Some(account) = accounts.get_mut(name) {
            account.receipts.push(rows::receipt(row, 1)?);
        }
    }
    Ok(accounts)
}

/// Makes the accounts that are not there. A name that another casino is just making is waited for.
const MAKE: &str = "
INSERT INTO accounts (name)
    SELECT name FROM unnest($1::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM accounts AS a WHERE a.name = n.name)
    ORDER BY name
    ON CONFLICT DO NOTHING";

/// What the ids were answered.
const KNOWN: &str = "
SELECT n.name, r.receipt FROM unnest($1::text[], $2::bytea[]) AS n (name, id)
    JOIN accounts AS a ON a.name = n.name
    JOIN receipts AS r ON int8send(r.account) || r.id = int8send(a.id) || n.id";

/// The tick in force, and the time.
const TICK: &str = "
SELECT number, price, at_unix_ms, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM ticks ORDER BY number DESC LIMIT 1";

/// The row by which a transaction is known. Of those long past none is needed.
const MARK: &str = "
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

const PAY: &str = "
INSERT INTO payments (account, number, amount, at_unix_ms)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[])";

const TRADE: &str = "
INSERT INTO trades (account, number, side, stocks, price, tick, at_unix_ms)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::integer[], $5::integer[], $6::bigint[],
        $7::bigint[])";

/// Keeps receipts, and drops for them what is forgotten: as many as are kept, once there are enough.
const FILE: &str = "
WITH forgotten AS (
    DELETE FROM receipts AS r USING unnest($5::bigint[], $6::bigint[]) AS n (account, last)
        WHERE r.account = n.account AND r.number <= n.last
)
INSERT INTO receipts (account, number, id, receipt)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])";
