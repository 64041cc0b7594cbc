-- Position up to which the commit log is applied.
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT;
INSERT INTO log VALUES (1, 0, 0, 0);
