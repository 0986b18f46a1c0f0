-- A mark that moves with every write that can change what a token stands for. Tokens are remembered between
-- requests (tomed/store/db.py: trust); one look at the mark tells whether they still may be. That a token was
-- used (last_used_at) changes nothing about it.
CREATE TABLE credentials_mark (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    mark INTEGER NOT NULL
) STRICT;
INSERT INTO credentials_mark VALUES (1, 0);

CREATE TRIGGER credentials_token_made AFTER INSERT ON tokens BEGIN
    UPDATE credentials_mark SET mark = mark + 1;
END;
CREATE TRIGGER credentials_token_changed
AFTER UPDATE OF user_id, kind, name, hash, device_id, expires_at, revoked_at ON tokens BEGIN
    UPDATE credentials_mark SET mark = mark + 1;
END;
CREATE TRIGGER credentials_token_removed AFTER DELETE ON tokens BEGIN
    UPDATE credentials_mark SET mark = mark + 1;
END;
CREATE TRIGGER credentials_user_changed AFTER UPDATE ON users BEGIN
    UPDATE credentials_mark SET mark = mark + 1;
END;
CREATE TRIGGER credentials_user_removed AFTER DELETE ON users BEGIN
    UPDATE credentials_mark SET mark = mark + 1;
END;
