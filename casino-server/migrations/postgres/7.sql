-- Rounds, as in SQLite. At most one is open.
CREATE TABLE rounds (
    number bigint PRIMARY KEY CHECK (number >= 0),
    is_open boolean NOT NULL,
    details bytea NOT NULL
);
CREATE UNIQUE INDEX open_rounds ON rounds (is_open) WHERE is_open;
