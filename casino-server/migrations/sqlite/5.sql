-- Answers to requests with IDs, as bytes. The number is that of the row's last answer.
CREATE TABLE receipts (
    account INTEGER NOT NULL REFERENCES accounts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    receipts BLOB NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
