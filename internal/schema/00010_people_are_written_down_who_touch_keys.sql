-- +goose Up
CREATE TABLE key_transcript (
    seq       BIGINT PRIMARY KEY, -- 1, 2, 3…
    body      TEXT   NOT NULL, -- JSON as it was hashed, the former record's hash in it
    hash      BYTEA  NOT NULL, -- SHA-256 of body
    signature BYTEA  NOT NULL  -- Ed25519 over hash, by the key that body names
);

ALTER TABLE terminals ADD COLUMN renew BIGINT NOT NULL DEFAULT 0; -- 1: it must sign on before anything else
