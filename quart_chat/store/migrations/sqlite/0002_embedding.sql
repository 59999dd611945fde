-- Rooms inside other sites' pages, and people whom those sites vouch for.

-- Who made a room owns it; NULL for those that nobody may change but the operator. `origins` are the sites that may show
-- it in a frame, as CSP source expressions between spaces: NULL until somebody has set a list, empty for nobody. In a
-- room that is `signed_only` nobody writes but whom its site vouches for.
ALTER TABLE rooms ADD COLUMN owner_id INTEGER REFERENCES users (id);
ALTER TABLE rooms ADD COLUMN origins TEXT;
ALTER TABLE rooms ADD COLUMN signed_only INTEGER NOT NULL DEFAULT 0;

-- Somebody with a `room_id` was signed in by that room's site, and exists there alone; the name is then what that site
-- calls them, and `skeleton` what that name looks like: no guest may have one that looks the same.
ALTER TABLE users ADD COLUMN room_id INTEGER REFERENCES rooms (id);
ALTER TABLE users ADD COLUMN avatar TEXT;
ALTER TABLE users ADD COLUMN role TEXT;
ALTER TABLE users ADD COLUMN skeleton TEXT;

CREATE INDEX users_reserved ON users (room_id, skeleton) WHERE room_id IS NOT NULL;

-- Keys with which a room's site signs who its people are. `material` is the shared secret of HS256, or the public key of
-- EdDSA, in base64url. After `retires_at`, if there is one, a key is no longer valid.
CREATE TABLE embed_keys (
    id         TEXT    PRIMARY KEY,
    room_id    INTEGER NOT NULL REFERENCES rooms (id),
    algorithm  TEXT    NOT NULL,
    material   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    retires_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX embed_keys_room ON embed_keys (room_id);
