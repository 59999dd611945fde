-- A database that was put back in time begins a new epoch. Ids of users then go on from where no id was ever given: the
-- fact `lowest_user` says from where. (`messages` has AUTOINCREMENT, whose sequence is raised.)
CREATE VIEW next_user (next_id) AS
SELECT max(coalesce((SELECT max(id) FROM users), 0),
           coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'lowest_user'), 0)) + 1;
