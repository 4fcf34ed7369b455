-- +goose Up
CREATE TABLE accounts (
    merchant_id    BIGINT NOT NULL, -- 0: an operator
    account_id     BIGINT NOT NULL,
    kind           TEXT   NOT NULL, -- staff, operator
    login          TEXT   NOT NULL, -- small letters
    name           TEXT   NOT NULL,
    phone          TEXT   NOT NULL,
    role           TEXT   NOT NULL,
    state          TEXT   NOT NULL, -- invited, active, suspended
    password_hash  TEXT   NOT NULL, -- argon2id; '' for none
    password_at    BIGINT NOT NULL,
    tries          BIGINT NOT NULL, -- proofs tried since one was right
    locked_until   BIGINT NOT NULL,
    totp           BYTEA  NOT NULL, -- the secret, sealed by the keystore; empty for none
    totp_on        BIGINT NOT NULL, -- 1: confirmed by a first code
    totp_step      BIGINT NOT NULL, -- of the last code that was used
    pin_hash       TEXT   NOT NULL, -- argon2id; '' for none
    pin_tries      BIGINT NOT NULL,
    pin_locked     BIGINT NOT NULL, -- until when
    created_at     BIGINT NOT NULL,
    seen_at        BIGINT NOT NULL, -- last sign-in
    PRIMARY KEY (merchant_id, account_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE account_logins (
    login       TEXT   PRIMARY KEY,
    merchant_id BIGINT NOT NULL,
    account_id  BIGINT NOT NULL
);

CREATE TABLE account_passwords ( -- those that must not come again
    merchant_id BIGINT NOT NULL,
    account_id  BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    hash        TEXT   NOT NULL,
    PRIMARY KEY (merchant_id, account_id, seq)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE passkeys (
    merchant_id   BIGINT NOT NULL,
    account_id    BIGINT NOT NULL,
    credential_id BYTEA  NOT NULL,
    name          TEXT   NOT NULL,
    credential    TEXT   NOT NULL, -- public key, counter and flags, as JSON
    created_at    BIGINT NOT NULL,
    used_at       BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, account_id, credential_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE recovery_codes (
    merchant_id BIGINT NOT NULL,
    account_id  BIGINT NOT NULL,
    code_hash   BYTEA  NOT NULL,
    used_at     BIGINT NOT NULL, -- 0: not yet
    PRIMARY KEY (merchant_id, account_id, code_hash)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE one_time_links (
    token_hash  BYTEA  PRIMARY KEY, -- SHA-256: whoever reads the table has no link
    merchant_id BIGINT NOT NULL,
    account_id  BIGINT NOT NULL,
    purpose     TEXT   NOT NULL, -- first, invite, reset
    made_at     BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    used_at     BIGINT NOT NULL
);

CREATE TABLE challenges ( -- half-done proofs: a password waiting for its second factor, a passkey's question
    token_hash  BYTEA  PRIMARY KEY,
    kind        TEXT   NOT NULL, -- second, passkey, register, step-up
    merchant_id BIGINT NOT NULL,
    account_id  BIGINT NOT NULL,
    data        TEXT   NOT NULL,
    ends_at     BIGINT NOT NULL
);
CREATE INDEX challenges_ended ON challenges (ends_at);

CREATE TABLE sign_in_policies (
    merchant_id   BIGINT PRIMARY KEY, -- 0: operators
    password_days BIGINT NOT NULL, -- 0: a password does not grow old
    pos_idle      BIGINT NOT NULL, -- minutes
    refund_free   BIGINT NOT NULL  -- minor units that a refund may give back without proving oneself again
);
