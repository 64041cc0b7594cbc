-- Rounds, the newest last; number 0 holds an announcement before the first. The rest is in bytes.
CREATE TABLE rounds (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    details BLOB NOT NULL
) STRICT;
