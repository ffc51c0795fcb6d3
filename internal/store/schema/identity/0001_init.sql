-- One identity's messages, people and delivery state. Hashes are BLOBs, times are INTEGER
-- milliseconds since 1970 UTC, enumerations are the numbers of the constants in internal/store.

-- Messages in the order of their arrival in this database. seq is the paging cursor and the
-- key of everything that belongs to a message.
CREATE TABLE messages (
	seq          INTEGER PRIMARY KEY AUTOINCREMENT,
	id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
	peer         BLOB    NOT NULL CHECK (length(peer) = 16),
	direction    INTEGER NOT NULL CHECK (direction IN (0, 1)),
	source       BLOB    NOT NULL CHECK (length(source) = 16),
	destination  BLOB    NOT NULL CHECK (length(destination) = 16),
	title        TEXT    NOT NULL,
	content      TEXT    NOT NULL,
	renderer     INTEGER NOT NULL,
	reply_to     BLOB    CHECK (length(reply_to) = 32),
	sent_at      INTEGER NOT NULL,
	stored_at    INTEGER NOT NULL,
	changed_at   INTEGER NOT NULL,
	status       INTEGER NOT NULL,
	reason       TEXT    NOT NULL,
	method       INTEGER NOT NULL,
	wait_heard   INTEGER NOT NULL CHECK (wait_heard IN (0, 1)),
	attempts     INTEGER NOT NULL,
	retry_at     INTEGER,
	verified     INTEGER NOT NULL,
	stamp_cost   INTEGER,
	stamp_value  INTEGER,
	ticket       INTEGER NOT NULL CHECK (ticket IN (0, 1)),
	hops         INTEGER,
	rssi         REAL,
	snr          REAL,
	quality      REAL,
	fields       BLOB,
	packed       BLOB,
	packed_blob  BLOB    CHECK (length(packed_blob) = 32),
	size         INTEGER NOT NULL,
	attachments  INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_by_peer ON messages (peer, seq);
-- Incoming messages of a conversation, to count the unread ones.
CREATE INDEX messages_incoming ON messages (peer, seq) WHERE direction = 0;
-- The outbox: outbound messages that still have to do something.
CREATE INDEX messages_pending ON messages (peer, seq) WHERE status = 1;
-- Failed and refused messages, of which the interface reminds.
CREATE INDEX messages_failed ON messages (peer, seq) WHERE status IN (4, 5);
CREATE INDEX messages_packed_blob ON messages (packed_blob) WHERE packed_blob IS NOT NULL;

-- What happened to an outbound message, in order. Rows are only added, except that progress of
-- the same attempt replaces the progress before it.
CREATE TABLE message_events (
	message   INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
	n         INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	kind      TEXT    NOT NULL,
	attempt   INTEGER NOT NULL,
	code      TEXT    NOT NULL,
	interface TEXT    NOT NULL,
	hops      INTEGER,
	part      INTEGER NOT NULL,
	parts     INTEGER NOT NULL,
	bytes     INTEGER NOT NULL,
	rate      INTEGER NOT NULL,
	rtt       INTEGER NOT NULL,
	due_at    INTEGER,
	PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

-- Files of a message. The bytes are in the blob store, the name is only a label.
CREATE TABLE attachments (
	message  INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
	position INTEGER NOT NULL,
	name     TEXT    NOT NULL,
	kind     INTEGER NOT NULL,
	mime     TEXT    NOT NULL,
	size     INTEGER NOT NULL,
	blob     BLOB    NOT NULL CHECK (length(blob) = 32),
	width    INTEGER NOT NULL,
	height   INTEGER NOT NULL,
	duration INTEGER NOT NULL,
	PRIMARY KEY (message, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX attachments_by_blob ON attachments (blob);

-- One row per correspondent.
CREATE TABLE conversations (
	peer        BLOB    PRIMARY KEY CHECK (length(peer) = 16),
	created_at  INTEGER NOT NULL,
	last_seq    INTEGER NOT NULL,
	last_at     INTEGER NOT NULL,
	incoming_seq INTEGER NOT NULL,
	read_seq    INTEGER NOT NULL,
	request     INTEGER NOT NULL,
	archived    INTEGER NOT NULL CHECK (archived IN (0, 1)),
	pinned      INTEGER NOT NULL CHECK (pinned IN (0, 1)),
	muted_until INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX conversations_by_time ON conversations (archived, pinned DESC, last_at DESC, peer);
CREATE INDEX conversations_unread ON conversations (last_at DESC, peer)
	WHERE incoming_seq > read_seq AND archived = 0 AND request = 0;
CREATE INDEX conversations_requests ON conversations (last_at DESC, peer) WHERE request = 1;

-- Files handed in but not sent yet.
CREATE TABLE uploads (
	id         BLOB    PRIMARY KEY CHECK (length(id) = 16),
	name       TEXT    NOT NULL,
	kind       INTEGER NOT NULL,
	mime       TEXT    NOT NULL,
	size       INTEGER NOT NULL,
	blob       BLOB    NOT NULL CHECK (length(blob) = 32),
	width      INTEGER NOT NULL,
	height     INTEGER NOT NULL,
	duration   INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_by_expiry ON uploads (expires_at);
CREATE INDEX uploads_by_blob ON uploads (blob);

-- Unsent text, one per correspondent. rev counts the changes, for optimistic updates.
CREATE TABLE drafts (
	peer       BLOB    PRIMARY KEY CHECK (length(peer) = 16),
	rev        INTEGER NOT NULL,
	title      TEXT    NOT NULL,
	content    TEXT    NOT NULL,
	reply_to   BLOB    CHECK (length(reply_to) = 32),
	changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE draft_uploads (
	peer     BLOB    NOT NULL REFERENCES drafts (peer) ON DELETE CASCADE,
	position INTEGER NOT NULL,
	upload   BLOB    NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
	PRIMARY KEY (peer, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX draft_uploads_by_upload ON draft_uploads (upload);

CREATE TABLE contacts (
	addr       BLOB    PRIMARY KEY CHECK (length(addr) = 16),
	name       TEXT    NOT NULL,
	notes      TEXT    NOT NULL,
	trust      INTEGER NOT NULL,
	public_key BLOB    CHECK (length(public_key) = 64),
	created_at INTEGER NOT NULL,
	changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX contacts_by_name ON contacts (name COLLATE NOCASE, addr);

CREATE TABLE blocked (
	addr  BLOB    PRIMARY KEY CHECK (length(addr) = 16),
	note  TEXT    NOT NULL,
	since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Message and transient ids already received: a second copy is recognised for 180 days, also
-- when the message itself has been deleted.
CREATE TABLE deliveries (
	id BLOB    PRIMARY KEY CHECK (length(id) = 32),
	at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_by_time ON deliveries (at);

-- Stamp costs other people announced; cost NULL means that they ask for none.
CREATE TABLE stamp_costs (
	destination BLOB    PRIMARY KEY CHECK (length(destination) = 16),
	cost        INTEGER,
	at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tickets received from others, for messages to them: one each.
CREATE TABLE tickets_outbound (
	destination BLOB    PRIMARY KEY CHECK (length(destination) = 16),
	ticket      BLOB    NOT NULL CHECK (length(ticket) = 16),
	expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tickets issued to others, for messages from them.
CREATE TABLE tickets_issued (
	destination BLOB    NOT NULL CHECK (length(destination) = 16),
	ticket      BLOB    NOT NULL CHECK (length(ticket) = 16),
	expires_at  INTEGER NOT NULL,
	PRIMARY KEY (destination, ticket)
) STRICT, WITHOUT ROWID;

-- When a ticket last reached a correspondent.
CREATE TABLE ticket_deliveries (
	destination BLOB    PRIMARY KEY CHECK (length(destination) = 16),
	at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Full text of messages, by messages.seq. The text is prepared by internal/store (words of scripts
-- written without spaces are split there). tags holds exact terms such as the peer.
CREATE VIRTUAL TABLE search USING fts5 (
	body, chars, tags,
	content = '', contentless_delete = 1,
	tokenize = 'unicode61 remove_diacritics 2',
	prefix = '2 3 4'
);
