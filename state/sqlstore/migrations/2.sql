-- A task whose spec is gone keeps its row: what was applied is never forgotten.
-- row_crc covers the column only where it has a text, so that the rows of schema 1
-- stay as they are.
ALTER TABLE tasks ADD COLUMN removed TEXT NOT NULL DEFAULT ''; -- JSON: since when the spec is gone

UPDATE schema_version SET version = 2;
