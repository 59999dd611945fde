-- The data model. The best place to start reading.
--
-- A room is an append-only log of events with a gapless cursor. Everything a reader sees comes from that log, in its
-- order: live, replayed after a reconnect, or polled. All times are integers: milliseconds since 1970, UTC.

-- Facts about this database. `epoch` is made once: cursors of another database carry another epoch and are recognised.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO facts (name, value) VALUES ('epoch', lower(hex(randomblob(6))));

-- `cursor` is the position of the newest event. It is raised in the transaction that appends the event, by the only
-- writer there is: so positions have no gaps, and their order is the order of the commits.
CREATE TABLE rooms (
    id         INTEGER PRIMARY KEY,
    slug       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    active_at  INTEGER NOT NULL,
    cursor     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX rooms_active_at ON rooms (active_at);

-- Whoever writes; readers need no row. `key` identifies a guest. It is derived from the guest's first message, so that
-- a first POST that is sent again, because its answer was lost, finds the same guest and does not make a second one.
CREATE TABLE users (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    key        TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

-- A message as it is now. Deleting one empties its text, everywhere, at once. `key` is chosen at random by the author's
-- page: a POST that is repeated finds its first result. (0004 has what orders them.)
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    room_id    INTEGER NOT NULL REFERENCES rooms (id),
    user_id    INTEGER NOT NULL REFERENCES users (id),
    key        TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at  INTEGER,
    deleted_at INTEGER,
    version    INTEGER NOT NULL DEFAULT 1,
    UNIQUE (user_id, room_id, key)
) STRICT;

CREATE INDEX messages_history ON messages (room_id, id) WHERE deleted_at IS NULL;

-- The log. It refers to messages and never copies their text: a replay shows each message as it is now.
CREATE TABLE events (
    room_id    INTEGER NOT NULL REFERENCES rooms (id),
    cursor     INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    message_id INTEGER NOT NULL REFERENCES messages (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (room_id, cursor)
) STRICT, WITHOUT ROWID;

INSERT INTO rooms (slug, name, created_at, active_at)
SELECT 'lobby', 'Lobby', now, now
  FROM (SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000 AS now);
