-- Tickets that have been used, each until it would be too old anyway: in milliseconds since 1970.
CREATE TABLE used_tickets (
    id    TEXT    NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX used_tickets_until ON used_tickets (until);
