-- Answers to requests with IDs. `accounts.receipts` is the number of the newest one. The account's row lock
-- protects them, so there is no foreign key.
CREATE TABLE receipts (
    account bigint NOT NULL,
    number bigint NOT NULL CHECK (number >= 1),
    id bytea NOT NULL CHECK (length(id) = 16),
    receipt bytea NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE UNIQUE INDEX receipts_by_number ON receipts (account, number);
ALTER TABLE accounts ADD COLUMN receipts bigint NOT NULL DEFAULT 0;
