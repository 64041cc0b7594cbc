-- Claimed names. A claim needs no account.
CREATE TABLE claims (
    name TEXT PRIMARY KEY,
    key_sha256 BLOB NOT NULL CHECK (length(key_sha256) = 32),
    at_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
