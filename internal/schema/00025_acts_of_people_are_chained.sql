-- +goose Up
CREATE TABLE audit_trail (
    merchant_id BIGINT NOT NULL, -- 0: the institution's own
    seq         BIGINT NOT NULL, -- 1, 2, 3… for each merchant
    at          BIGINT NOT NULL,
    what        TEXT   NOT NULL, -- staff.invite
    object      TEXT   NOT NULL, -- staff/12
    body        TEXT   NOT NULL, -- JSON as it was hashed, the former record's hash in it
    hash        BYTEA  NOT NULL, -- SHA-256 of body
    PRIMARY KEY (merchant_id, seq)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE audit_heads (
    merchant_id BIGINT PRIMARY KEY,
    seq         BIGINT NOT NULL,
    hash        BYTEA  NOT NULL
);
