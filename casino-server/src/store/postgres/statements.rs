//! SQL of what the servers share besides the batches.

/// Stores no tick while the current price meets an open order: that order executes first.
pub(super) const LEAD: &str = "
WITH led AS (
    UPDATE market SET leader = $1, leads_until = clock_timestamp() + $2::bigint * interval '1 millisecond',
        term = term + CASE WHEN leader IS DISTINCT FROM $1 THEN 1 ELSE 0 END
    WHERE leader IS NOT DISTINCT FROM $1 OR leads_until < clock_timestamp()
    RETURNING id
), newest AS (
    SELECT price FROM ticks ORDER BY number DESC LIMIT 1
), due AS (
    SELECT EXISTS (SELECT FROM orders AS o, newest AS n WHERE ended IS NULL AND falls AND o.price >= n.price)
        OR EXISTS (SELECT FROM orders AS o, newest AS n WHERE ended IS NULL AND NOT falls AND o.price <= n.price) AS met
), stored AS (
    INSERT INTO ticks (number, price, at_unix_ms)
        SELECT $3::bigint, $4::integer, $5::bigint FROM led, due
        WHERE (NOT met OR $6::boolean) AND $3 = (SELECT max(number) + 1 FROM ticks)
        ON CONFLICT DO NOTHING
    RETURNING number
), told AS (
    SELECT pg_notify('awesomestock_ticks', number::text) FROM stored
)
SELECT EXISTS (SELECT FROM led), (SELECT count(*) FROM told) > 0, (SELECT met FROM due)";

/// Open orders with a number above `$2` that the current price meets, oldest first.
pub(super) const DUE: &str = "
WITH newest AS (SELECT price FROM ticks ORDER BY number DESC LIMIT 1)
SELECT number, name, id FROM (
    SELECT o.number, o.account, o.id FROM orders AS o, newest AS n
        WHERE ended IS NULL AND falls AND o.price >= n.price AND o.number > $2::bigint
    UNION ALL
    SELECT o.number, o.account, o.id FROM orders AS o, newest AS n
        WHERE ended IS NULL AND NOT falls AND o.price <= n.price AND o.number > $2::bigint
) AS due JOIN (SELECT id AS account, name FROM accounts) AS a USING (account) ORDER BY number LIMIT $1";

/// Limited: clients read older ticks page by page.
pub(super) const AFTER: &str = "
SELECT number, price, at_unix_ms FROM (
    SELECT number, price, at_unix_ms FROM ticks WHERE number > $1 ORDER BY number DESC LIMIT 1000
) AS newest ORDER BY number";

pub(super) const NEWEST_ROUND: &str = "SELECT details FROM rounds ORDER BY number DESC LIMIT 1";

/// Other servers read the round with the ticks.
pub(super) const SET_ROUND: &str = "
INSERT INTO rounds (number, is_open, details) VALUES ($1, $2, $3)
    ON CONFLICT (number) DO UPDATE SET is_open = excluded.is_open, details = excluded.details
    RETURNING pg_notify('awesomestock_ticks', '')";

pub(super) const CLAIM: &str = "
INSERT INTO claims (name, key_sha256, at_unix_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
    RETURNING pg_notify('awesomestock_claims', name)";

/// Also deletes rows of servers that are gone for a minute.
pub(super) const SYNC: &str = "
WITH here AS (
    INSERT INTO company (casino, until, watches, players, unnamed, names)
        VALUES ($1, clock_timestamp() + $2::bigint * interval '1 millisecond', $3, $4, $5, $6)
        ON CONFLICT (casino) DO UPDATE SET until = excluded.until, watches = excluded.watches,
            players = excluded.players, unnamed = excluded.unnamed, names = excluded.names
), gone AS (
    DELETE FROM company WHERE casino <> $1 AND until < clock_timestamp() - interval '1 minute' RETURNING casino
), emptied AS (
    DELETE FROM seats USING gone WHERE seats.casino = gone.casino
)
SELECT watches, players, unnamed, names FROM company WHERE casino <> $1 AND until > clock_timestamp()";

pub(super) const LEAVE: &str = "
WITH left_behind AS (DELETE FROM seats WHERE casino = $1) DELETE FROM company WHERE casino = $1";

/// Limits the query to one core.
pub(super) const ONE_CORE: &str = "SET max_parallel_workers_per_gather = 0";

/// Scans all accounts, but sorts only the top ones. `$2`: the round of the accounts, null for the players' own.
pub(super) const TOP_ACCOUNTS: &str = "
SELECT name, tokens, stocks, cost_basis, realised_pnl, dollars_in, dollars_out, version FROM accounts
    WHERE trades > 0 AND CASE WHEN $2::bigint IS NULL THEN name NOT LIKE '@%' ELSE name LIKE '@' || $2 || '/%' END
    ORDER BY realised_pnl - cost_basis + stocks * (SELECT price::bigint FROM ticks ORDER BY number DESC LIMIT 1)
    DESC LIMIT $1";

/// A server counts as present before its first `sync`.
pub(super) const HEARTBEAT: &str = "
INSERT INTO company (casino, until, watches, players, unnamed, names)
    VALUES ($1, clock_timestamp() + $2::bigint * interval '1 millisecond', false, 0, 0, '{}')
    ON CONFLICT (casino) DO NOTHING";

/// Locks in a fixed order, which avoids deadlocks between servers.
pub(super) const LOCK_PLAYERS: &str = "
SELECT pg_advisory_xact_lock(turn) FROM (
    SELECT DISTINCT hashtextextended(player, 1098339188) AS turn FROM unnest($1::text[]) AS n (player) ORDER BY turn
) AS turns";

/// Returns rows in the order of the input.
pub(super) const RESERVE: &str = "
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
