-- What belongs to the program and not to one identity. Hashes are BLOBs, times are INTEGER
-- milliseconds since 1970 UTC, enumerations are the numbers of the constants in internal/store.

CREATE TABLE settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Signed-in browsers and programs. Tokens are stored as SHA-256 only.
CREATE TABLE sessions (
	token      BLOB    PRIMARY KEY CHECK (length(token) = 32),
	second     BLOB    NOT NULL CHECK (length(second) = 32),
	created_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	address    TEXT    NOT NULL,
	user_agent TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- One-time start tokens that were used, until they would have expired anyway.
CREATE TABLE used_tokens (
	nonce      BLOB    PRIMARY KEY,
	used_at    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX used_tokens_by_expiry ON used_tokens (expires_at);

-- Attempts to sign in, for the list shown to the owner and for the limit per address.
CREATE TABLE attempts (
	seq        INTEGER PRIMARY KEY,
	at         INTEGER NOT NULL,
	address    TEXT    NOT NULL,
	user_agent TEXT    NOT NULL,
	method     INTEGER NOT NULL,
	outcome    INTEGER NOT NULL
) STRICT;

CREATE INDEX attempts_failed ON attempts (at, address) WHERE outcome = 2;

-- The identities of this installation; their data is in their own directories.
CREATE TABLE identities (
	hash       BLOB    PRIMARY KEY CHECK (length(hash) = 16),
	address    BLOB    NOT NULL CHECK (length(address) = 16),
	name       TEXT    NOT NULL,
	enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
	position   INTEGER NOT NULL,
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX identities_by_position ON identities (position, hash);

-- Destinations heard by announce: one row each, updated in place.
CREATE TABLE heard (
	destination BLOB    PRIMARY KEY CHECK (length(destination) = 16),
	identity    BLOB    NOT NULL CHECK (length(identity) = 16),
	public_key  BLOB    NOT NULL CHECK (length(public_key) = 64),
	name_hash   BLOB    NOT NULL CHECK (length(name_hash) = 10),
	kind        INTEGER NOT NULL,
	name        TEXT    NOT NULL,
	folded      TEXT    NOT NULL,
	app_data    BLOB,
	stamp_cost  INTEGER,
	hops        INTEGER NOT NULL,
	interface   TEXT    NOT NULL,
	first_at    INTEGER NOT NULL,
	last_at     INTEGER NOT NULL,
	count       INTEGER NOT NULL,
	rssi        REAL,
	snr         REAL,
	quality     REAL
) STRICT, WITHOUT ROWID;

CREATE INDEX heard_by_time ON heard (last_at DESC, destination);
CREATE INDEX heard_by_kind ON heard (kind, last_at DESC, destination);
CREATE INDEX heard_by_identity ON heard (identity);

-- What happened to network interfaces.
CREATE TABLE interface_events (
	seq       INTEGER PRIMARY KEY,
	at        INTEGER NOT NULL,
	interface TEXT    NOT NULL,
	kind      TEXT    NOT NULL,
	detail    TEXT    NOT NULL
) STRICT;

CREATE INDEX interface_events_by_interface ON interface_events (interface, seq);
