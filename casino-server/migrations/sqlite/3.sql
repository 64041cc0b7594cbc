-- A candle replaces `ticks` ticks from `first` on. `size` is the kind of the candle.
CREATE TABLE candles (
    size INTEGER NOT NULL,
    first INTEGER NOT NULL CHECK (first >= 0),
    ticks INTEGER NOT NULL CHECK (ticks BETWEEN 1 AND size),
    open INTEGER NOT NULL CHECK (open BETWEEN low AND high),
    high INTEGER NOT NULL CHECK (high <= 2147483647),
    low INTEGER NOT NULL CHECK (low >= 1),
    close INTEGER NOT NULL CHECK (close BETWEEN low AND high),
    since_unix_ms INTEGER NOT NULL,
    until_unix_ms INTEGER NOT NULL,
    PRIMARY KEY (size, first)
) STRICT, WITHOUT ROWID;
