-- Resting orders. `ended` is null while an order is open, and rises with each end; the rest is in bytes.
CREATE TABLE orders (
    number INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id),
    id BLOB NOT NULL CHECK (length(id) = 16),
    ended INTEGER,
    details BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX orders_by_end ON orders (account, ended) WHERE ended IS NOT NULL;
CREATE INDEX orders_by_id ON orders (account, id);
CREATE INDEX open_orders ON orders (account) WHERE ended IS NULL;
