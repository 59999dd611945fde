-- Who may do more than others, and who may not come in, is looked up each time that it may have changed.
CREATE INDEX users_operators ON users (key) WHERE operator = 1;
CREATE INDEX members_notable ON members (room_id, rank, standing, reason, network) WHERE standing <> 'in' OR rank <> 2;
CREATE INDEX bans_network ON bans (network);
