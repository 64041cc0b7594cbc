-- Rate limits and session counts on all servers together.
--
-- The answers get an index on one combined key: with two columns, plans made for a small table would use the
-- account alone.
ALTER TABLE accounts
    ADD COLUMN allowance bigint NOT NULL DEFAULT 9223372036854775807,
    ADD COLUMN allowance_at_unix_ms bigint NOT NULL DEFAULT 0;
CREATE UNLOGGED TABLE seats (
    player text COLLATE "C" NOT NULL,
    casino text NOT NULL,
    seats integer NOT NULL CHECK (seats >= 1),
    PRIMARY KEY (player, casino)
);
ALTER TABLE receipts DROP CONSTRAINT receipts_pkey;
ALTER TABLE receipts ADD PRIMARY KEY USING INDEX receipts_by_number;
CREATE UNIQUE INDEX receipts_by_id ON receipts ((int8send(account) || id));
