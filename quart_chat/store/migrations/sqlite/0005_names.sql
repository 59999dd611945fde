-- What somebody is called in a room that they are out of, where they have had another name since; NULL for their name.
ALTER TABLE members ADD COLUMN shown_as TEXT;
