-- Presence of each server: number of players, some names, unnamed sessions, and whether someone is subscribed to
-- the tape.
CREATE UNLOGGED TABLE company (
    casino text PRIMARY KEY,
    until timestamptz NOT NULL,
    watches boolean NOT NULL,
    players bigint NOT NULL,
    unnamed bigint NOT NULL,
    names text[] NOT NULL
);
