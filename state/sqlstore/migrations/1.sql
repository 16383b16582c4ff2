-- Only TEXT and BIGINT, and no NULL: an empty text or 0 stands for what is not
-- there. Times are milliseconds since 1970. row_crc covers the other columns.
-- sqlite.go gives SQLite its own words for BIGINT keys and clustered tables.

CREATE TABLE schema_version (
	version BIGINT NOT NULL
);

INSERT INTO schema_version (version) VALUES (1);

-- One row: whose state this is, and what the other tables must add up to.
CREATE TABLE meta (
	id          BIGINT NOT NULL PRIMARY KEY,
	lineage     TEXT   NOT NULL, -- the same for the life of the state
	identity    TEXT   NOT NULL, -- JSON: source, branch, path, endpoint, region
	created_at  BIGINT NOT NULL,
	serial      BIGINT NOT NULL, -- grows with each transaction
	tasks       BIGINT NOT NULL, -- how many rows tasks has
	tasks_sum   BIGINT NOT NULL, -- the sum of their row_crc
	events      BIGINT NOT NULL, -- the newest seq of history
	events_hash TEXT   NOT NULL, -- and its hash
	row_crc     BIGINT NOT NULL
);

-- One row: what the daemon as a whole remembers.
CREATE TABLE control (
	id      BIGINT NOT NULL PRIMARY KEY,
	control TEXT   NOT NULL, -- JSON: revision, pauses, approvals, suspended, restored
	row_crc BIGINT NOT NULL
);

-- One row a task. The columns repeat what people ask for from the JSON.
CREATE TABLE tasks (
	project_id       TEXT   NOT NULL,
	task_id          TEXT   NOT NULL,
	status           TEXT   NOT NULL, -- applied, intent, waiting, refused, unknown or none
	commit_type      TEXT   NOT NULL, -- of what is applied: submit, start, ...
	instance_version BIGINT NOT NULL, -- of what is applied
	applied_at       BIGINT NOT NULL,
	since            BIGINT NOT NULL, -- when an open attempt began to wait
	next_at          BIGINT NOT NULL, -- when it is looked at again
	applied          TEXT   NOT NULL, -- JSON: what the task was last brought to
	attempt          TEXT   NOT NULL, -- JSON: the open attempt
	suspended        TEXT   NOT NULL, -- JSON: a person's word to leave it alone
	event            BIGINT NOT NULL, -- the newest of its events in history, 0 without one
	row_crc          BIGINT NOT NULL,
	PRIMARY KEY (project_id, task_id)
) /* clustered */;

-- Append-only. hash is the SHA-256, in hexadecimal, of the hash before (of
-- nothing for the first row) followed by event.
CREATE TABLE history (
	seq        BIGINT NOT NULL PRIMARY KEY, -- from 1, without gaps
	at         BIGINT NOT NULL,
	kind       TEXT   NOT NULL, -- intent, outcome, read-back, ...
	project_id TEXT   NOT NULL,
	task_id    TEXT   NOT NULL,
	prev       BIGINT NOT NULL, -- the event of the task before this one, 0 for its first
	loose      BIGINT NOT NULL, -- 1 if the task has no record that leads to this event
	event      TEXT   NOT NULL, -- JSON
	hash       TEXT   NOT NULL,
	row_crc    BIGINT NOT NULL
);

-- The events of a task are found from its newest one: an index of all would cost
-- each transaction a page more. This one is for tasks that have no record to begin at.
CREATE INDEX history_loose ON history (project_id, task_id, seq) WHERE loose = 1;

-- What people ask of the daemon, and its answers.
CREATE TABLE words (
	id          BIGINT NOT NULL PRIMARY KEY,
	at          BIGINT NOT NULL,
	actor       TEXT   NOT NULL,
	verb        TEXT   NOT NULL, -- approve, retry, resolve, suspend or unsuspend
	target      TEXT   NOT NULL,
	arg         TEXT   NOT NULL,
	until       BIGINT NOT NULL,
	answered_at BIGINT NOT NULL, -- 0 while it is open
	ok          BIGINT NOT NULL,
	message     TEXT   NOT NULL,
	row_crc     BIGINT NOT NULL
);

CREATE INDEX words_open ON words (answered_at, id);
