-- Resting orders, as in SQLite. A price meets an order whose `price` is equal, or higher if it waits for a fall, or
-- lower if it does not.
CREATE SEQUENCE order_ends;
CREATE TABLE orders (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account bigint NOT NULL,
    id bytea NOT NULL CHECK (length(id) = 16),
    ended bigint,
    falls boolean NOT NULL,
    price integer NOT NULL CHECK (price >= 1),
    details bytea NOT NULL
);
CREATE UNIQUE INDEX orders_by_end ON orders (account, ended) WHERE ended IS NOT NULL;
CREATE INDEX orders_by_id ON orders (account, id);
CREATE INDEX open_orders ON orders (account) WHERE ended IS NULL;
CREATE INDEX due_orders ON orders (falls, price) WHERE ended IS NULL;
