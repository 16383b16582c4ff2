-- What was applied is in columns of its own: a start reads all of them, and to read JSON
-- takes it several times as long. The column applied keeps, as JSON, what few tasks have:
-- rerun, task_approve_id, wait_s, run, idle, drift, spent and request_digest. row_crc covers
-- every column from here on: each row is written anew when a state comes from schema 2.
ALTER TABLE tasks ADD COLUMN applied_ns   BIGINT NOT NULL DEFAULT 0; -- nanoseconds beyond applied_at; -1 if it has no time
ALTER TABLE tasks ADD COLUMN task_type    BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN version_desc TEXT   NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN event_desc   TEXT   NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN content      TEXT   NOT NULL DEFAULT ''; -- a digest, in hexadecimal
ALTER TABLE tasks ADD COLUMN ext_config   TEXT   NOT NULL DEFAULT ''; -- a digest, in hexadecimal
ALTER TABLE tasks ADD COLUMN revision     TEXT   NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN request_id   TEXT   NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN operate_id   TEXT   NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN origin       TEXT   NOT NULL DEFAULT ''; -- commit, read-back, resolved, adopted, ...
ALTER TABLE tasks ADD COLUMN name         TEXT   NOT NULL DEFAULT ''; -- what people called the task

UPDATE schema_version SET version = 3;
