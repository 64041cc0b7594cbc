-- Whether the file holds everything without its log: 1 after a clean stop, 0 while open, null if unknown.
ALTER TABLE log ADD COLUMN closed INTEGER CHECK (closed IN (0, 1));
