-- Blocks and lists count for an identity with everything it owns, where an announce told which that is.
ALTER TABLE blocked ADD COLUMN identity BLOB CHECK (length(identity) = 16);

-- Peers on the lists of the policy: 1 always allowed, 2 ignored.
CREATE TABLE listed (
	list     INTEGER NOT NULL,
	addr     BLOB    NOT NULL CHECK (length(addr) = 16),
	identity BLOB    CHECK (length(identity) = 16),
	note     TEXT    NOT NULL,
	since    INTEGER NOT NULL,
	PRIMARY KEY (list, addr)
) STRICT, WITHOUT ROWID;

-- A message that is a reaction belongs to the message of reply_to and is not shown by itself.
ALTER TABLE messages ADD COLUMN reaction TEXT;
CREATE INDEX messages_reactions ON messages (reply_to, seq) WHERE reaction IS NOT NULL;

-- How verified peers want to be shown: icon and colours of their latest message that said so.
CREATE TABLE appearances (
	peer       BLOB    PRIMARY KEY CHECK (length(peer) = 16),
	icon       TEXT    NOT NULL,
	foreground INTEGER NOT NULL,
	background INTEGER NOT NULL,
	at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
