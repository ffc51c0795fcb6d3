-- Propagation nodes that were heard, and our experience with them: what the automatic choice goes by.
CREATE TABLE propagation_nodes (
	node           BLOB    PRIMARY KEY CHECK (length(node) = 16),
	name           TEXT    NOT NULL,
	heard_at       INTEGER NOT NULL,
	hops           INTEGER NOT NULL,
	interface      TEXT    NOT NULL,
	active         INTEGER NOT NULL CHECK (active IN (0, 1)),
	transfer_limit INTEGER NOT NULL,
	sync_limit     INTEGER NOT NULL,
	stamp_cost     INTEGER NOT NULL,
	flexibility    INTEGER NOT NULL,
	successes      INTEGER NOT NULL,
	failures       INTEGER NOT NULL,
	streak         INTEGER NOT NULL,
	success_at     INTEGER,
	failure_at     INTEGER,
	latency        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX propagation_nodes_by_time ON propagation_nodes (heard_at);

-- Small messages as they are handed to a propagation node, encrypted and stamped: after a restart the node sees the same bytes
-- again, and the work is not done twice. They go when the message is final.
CREATE TABLE sealed_messages (
	message BLOB    PRIMARY KEY CHECK (length(message) = 32),
	packed  BLOB    NOT NULL CHECK (length(packed) = 32),
	stored  BLOB    NOT NULL CHECK (length(stored) <= 131072),
	at      INTEGER NOT NULL
) STRICT;

CREATE INDEX sealed_messages_by_time ON sealed_messages (at);
