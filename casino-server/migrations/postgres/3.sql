-- Candles, as in SQLite.
CREATE TABLE candles (
    size bigint NOT NULL,
    first bigint NOT NULL CHECK (first >= 0),
    ticks bigint NOT NULL CHECK (ticks BETWEEN 1 AND size),
    open integer NOT NULL CHECK (open BETWEEN low AND high),
    high integer NOT NULL,
    low integer NOT NULL CHECK (low >= 1),
    close integer NOT NULL CHECK (close BETWEEN low AND high),
    since_unix_ms bigint NOT NULL,
    until_unix_ms bigint NOT NULL,
    PRIMARY KEY (size, first)
);
