-- Columns have the meaning of the SQLite schema, except that each trade is a row. The fill factor leaves room for
-- updates in place. The market's leader holds a lease until `leads_until`; each new leader starts a new term.
CREATE TABLE market (
    id integer PRIMARY KEY CHECK (id = 1),
    model text NOT NULL,
    seed bigint NOT NULL,
    leader text,
    term bigint NOT NULL DEFAULT 0,
    leads_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE TABLE ticks (
    number bigint PRIMARY KEY CHECK (number >= 0),
    price integer NOT NULL CHECK (price >= 1),
    at_unix_ms bigint NOT NULL
);
CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    tokens integer NOT NULL DEFAULT 0 CHECK (tokens >= 0),
    stocks integer NOT NULL DEFAULT 0 CHECK (stocks >= 0),
    cost_basis bigint NOT NULL DEFAULT 0 CHECK (cost_basis >= 0),
    realised_pnl bigint NOT NULL DEFAULT 0,
    dollars_in bigint NOT NULL DEFAULT 0 CHECK (dollars_in >= 0),
    dollars_out bigint NOT NULL DEFAULT 0 CHECK (dollars_out >= 0),
    version bigint NOT NULL DEFAULT 0,
    payments bigint NOT NULL DEFAULT 0,
    trades bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE TABLE payments (
    account bigint NOT NULL REFERENCES accounts (id),
    number bigint NOT NULL CHECK (number >= 1),
    amount integer NOT NULL CHECK (amount <> 0),
    at_unix_ms bigint NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE TABLE trades (
    account bigint NOT NULL,
    number bigint NOT NULL CHECK (number >= 1),
    side smallint NOT NULL CHECK (side IN (0, 1)),
    stocks integer NOT NULL CHECK (stocks >= 1),
    price integer NOT NULL CHECK (price >= 1),
    tick bigint NOT NULL,
    at_unix_ms bigint NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE TABLE claims (
    name text COLLATE "C" PRIMARY KEY,
    key_sha256 bytea NOT NULL CHECK (length(key_sha256) = 32),
    at_unix_ms bigint NOT NULL
);
CREATE TABLE batches (
    casino text NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (casino, number)
);
