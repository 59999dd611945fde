-- The log has acts: what happened to a message, to a member, to the room itself. People have a rank in a room.

-- The cursor of the event by which a message was posted. It orders a room; ids order nothing.
ALTER TABLE messages ADD COLUMN position INTEGER NOT NULL DEFAULT 0;

UPDATE messages
   SET position = posted.cursor
  FROM events AS posted
 WHERE posted.message_id = messages.id
   AND posted.type = 'message_posted';

DROP INDEX messages_history;
CREATE INDEX messages_history ON messages (room_id, position) WHERE deleted_at IS NULL;

-- A row names what it is about, which is shown as it is when it is read: a message or a user, or with neither the room.
-- Where that is gone, or the type is one that only newer versions know, it is a position without content. `detail` has
-- small facts that never change, as JSON. `actor_id` is NULL for what the operator did.
CREATE TABLE acts (
    room_id    INTEGER NOT NULL REFERENCES rooms (id),
    cursor     INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    actor_id   INTEGER REFERENCES users (id) ON DELETE SET NULL,
    message_id INTEGER REFERENCES messages (id) ON DELETE SET NULL,
    user_id    INTEGER REFERENCES users (id) ON DELETE SET NULL,
    detail     TEXT    NOT NULL DEFAULT '{}',
    PRIMARY KEY (room_id, cursor)
) STRICT, WITHOUT ROWID;

INSERT INTO acts (room_id, cursor, at, type, actor_id, message_id)
SELECT e.room_id, e.cursor, e.created_at,
       CASE e.type WHEN 'message_edited' THEN 'message_changed' ELSE e.type END,
       m.user_id, e.message_id
  FROM events AS e
  LEFT JOIN messages AS m ON m.id = e.message_id
 ORDER BY e.room_id, e.cursor;

DROP TABLE events;
ALTER TABLE acts RENAME TO events;

-- Who somebody is, of which `room_id` says where alone: a guest, or signed in by a room's site. Operators may everything
-- everywhere.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'guest';
ALTER TABLE users ADD COLUMN operator INTEGER NOT NULL DEFAULT 0;

UPDATE users SET kind = 'signed' WHERE room_id IS NOT NULL;

-- Somebody in one room, from the first message on, or since somebody has said something of them there. `rank` is one of
-- models.Rank, `standing` one of models.Standing, and `reason` is told to whom it is about. `network` is a keyed digest of
-- where they wrote from last, never the address itself; empty where that is not known.
CREATE TABLE members (
    room_id    INTEGER NOT NULL REFERENCES rooms (id),
    user_id    INTEGER NOT NULL REFERENCES users (id),
    rank       INTEGER NOT NULL,
    standing   TEXT    NOT NULL DEFAULT 'in',
    reason     TEXT    NOT NULL DEFAULT '',
    network    TEXT    NOT NULL DEFAULT '',
    changed_at INTEGER NOT NULL,
    by_id      INTEGER REFERENCES users (id) ON DELETE SET NULL,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_user ON members (user_id);

INSERT INTO members (room_id, user_id, rank, changed_at)
SELECT room_id, user_id, 2, min(created_at)
  FROM messages
 GROUP BY room_id, user_id;

INSERT INTO members (room_id, user_id, rank, changed_at)
SELECT id, owner_id, 4, created_at
  FROM rooms
 WHERE owner_id IS NOT NULL
    ON CONFLICT (room_id, user_id) DO UPDATE SET rank = excluded.rank;

-- Networks from which nobody who is not known by another writes or reads in a room, each because of one user.
CREATE TABLE bans (
    room_id INTEGER NOT NULL REFERENCES rooms (id),
    network TEXT    NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    at      INTEGER NOT NULL,
    PRIMARY KEY (room_id, network, user_id)
) STRICT, WITHOUT ROWID;

-- How far each piece of work after a commit has come in a room's log.
CREATE TABLE followers (
    name    TEXT    NOT NULL,
    room_id INTEGER NOT NULL REFERENCES rooms (id),
    cursor  INTEGER NOT NULL,
    PRIMARY KEY (name, room_id)
) STRICT, WITHOUT ROWID;
