-- +goose Up
CREATE TABLE sessions (
    token_hash  BYTEA  PRIMARY KEY, -- SHA-256: whoever reads the table has no session
    session_id  BIGINT NOT NULL,
    merchant_id BIGINT NOT NULL,
    kind        TEXT   NOT NULL, -- staff, operator, device
    account_id  BIGINT NOT NULL, -- 0: a device by itself
    device_id   BIGINT NOT NULL, -- 0: no paired device
    address     TEXT   NOT NULL,
    agent       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    proved_at   BIGINT NOT NULL, -- when the person last proved himself
    seen_at     BIGINT NOT NULL,
    idle        BIGINT NOT NULL, -- microseconds without a request that end it
    ends_at     BIGINT NOT NULL, -- the latest
    ended_at    BIGINT NOT NULL  -- 0: it may still live
);
CREATE INDEX sessions_of_a_person ON sessions (merchant_id, account_id, ended_at);
CREATE INDEX sessions_ended ON sessions (ends_at);

CREATE TABLE paired_devices (
    merchant_id BIGINT NOT NULL,
    device_id   BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    agent       TEXT   NOT NULL,
    locked      BIGINT NOT NULL, -- 1: nothing is done at it without a cashier's PIN
    paired_at   BIGINT NOT NULL,
    paired_by   BIGINT NOT NULL, -- account
    revoked_at  BIGINT NOT NULL, -- 0: it is trusted
    PRIMARY KEY (merchant_id, device_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE pairings ( -- devices that show a code and wait
    code        TEXT   PRIMARY KEY, -- six digits
    token_hash  BYTEA  NOT NULL,
    address     TEXT   NOT NULL,
    agent       TEXT   NOT NULL,
    merchant_id BIGINT NOT NULL, -- 0: nobody has taken it yet
    device_id   BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL
);
CREATE INDEX pairings_of_a_device ON pairings (token_hash);
