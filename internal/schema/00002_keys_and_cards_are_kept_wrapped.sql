-- +goose Up
CREATE TABLE keys (
    ref        TEXT   PRIMARY KEY,
    purpose    TEXT   NOT NULL,
    kcv        TEXT   NOT NULL,
    wrapped    BYTEA  NOT NULL, -- AES-256-GCM under the master key; associated data binds ref and purpose
    created_at BIGINT NOT NULL
);

CREATE TABLE cards (
    token      TEXT   PRIMARY KEY,
    lookup     BYTEA  NOT NULL UNIQUE, -- HMAC-SHA-256 of the whole PAN
    bin        TEXT   NOT NULL,
    last4      TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);
