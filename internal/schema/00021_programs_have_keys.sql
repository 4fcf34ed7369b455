-- +goose Up
CREATE TABLE api_keys (
    merchant_id BIGINT NOT NULL,
    key_id      BIGINT NOT NULL,
    mode        TEXT   NOT NULL, -- live, test
    name        TEXT   NOT NULL,
    scopes      TEXT   NOT NULL, -- separated by spaces
    digest      BYTEA  NOT NULL, -- SHA-256 of the whole key, which is not kept
    created_by  TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL, -- 0: never; set when it is rotated
    revoked_at  BIGINT NOT NULL, -- 0: not
    next_id     BIGINT NOT NULL, -- the key that replaces it; 0 for none
    used_at     BIGINT NOT NULL, -- 0: never; exact to a minute
    used_from   TEXT   NOT NULL, -- address of the last use
    PRIMARY KEY (merchant_id, key_id)
) /* sqlite: WITHOUT ROWID */;
