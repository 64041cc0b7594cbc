-- `at_unix_ms` is in UTC; a seed is stored as a signed number; a side is 0 for a buy and 1 for a sell. `sheets`
-- holds pages of trades as JSON, linked from an account's newest page (`accounts.sheet`) to its first; `bookmarks`
-- index some pages. The view `trades` shows each trade as a row.
CREATE TABLE market (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    model TEXT NOT NULL,
    seed INTEGER NOT NULL
) STRICT;
CREATE TABLE ticks (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    price INTEGER NOT NULL CHECK (price BETWEEN 1 AND 2147483647),
    at_unix_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    tokens INTEGER NOT NULL CHECK (tokens BETWEEN 0 AND 2147483647),
    stocks INTEGER NOT NULL CHECK (stocks BETWEEN 0 AND 2147483647),
    cost_basis INTEGER NOT NULL CHECK (cost_basis >= 0),
    realised_pnl INTEGER NOT NULL,
    dollars_in INTEGER NOT NULL CHECK (dollars_in >= 0),
    dollars_out INTEGER NOT NULL CHECK (dollars_out >= 0),
    version INTEGER NOT NULL,
    payments INTEGER NOT NULL,
    trades INTEGER NOT NULL,
    sheet INTEGER NOT NULL
) STRICT;
CREATE TABLE payments (
    account INTEGER NOT NULL REFERENCES accounts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    amount INTEGER NOT NULL CHECK (amount <> 0),
    at_unix_ms INTEGER NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE sheets (
    id INTEGER PRIMARY KEY,
    tick INTEGER NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 1),
    at_unix_ms INTEGER NOT NULL,
    trades TEXT NOT NULL
) STRICT;
CREATE TABLE bookmarks (
    account INTEGER NOT NULL,
    number INTEGER NOT NULL,
    sheet INTEGER NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
CREATE VIEW trades (account, number, side, stocks, price, tick, at_unix_ms, sheet) AS
    SELECT trade.value ->> 0, trade.value ->> 1, (trade.value ->> 2) < 0, abs(trade.value ->> 2), sheets.price,
        sheets.tick, sheets.at_unix_ms, sheets.id
    FROM sheets, json_each(sheets.trades) AS trade;
