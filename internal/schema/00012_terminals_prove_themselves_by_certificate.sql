-- +goose Up
CREATE TABLE device_authorities (
    name        TEXT   PRIMARY KEY, -- terminals
    certificate BYTEA  NOT NULL,    -- DER
    sealed      BYTEA  NOT NULL,    -- its private key, PKCS #8, sealed by the keystore
    created_at  BIGINT NOT NULL
);

CREATE TABLE device_certificates (
    merchant_id BIGINT NOT NULL,
    number      TEXT   NOT NULL, -- the certificate's own number, hexadecimal
    tid         TEXT   NOT NULL,
    serial      TEXT   NOT NULL, -- of the machine
    certificate BYTEA  NOT NULL, -- DER
    not_before  BIGINT NOT NULL,
    not_after   BIGINT NOT NULL, -- the last instant at which it holds
    revoked_at  BIGINT NOT NULL, -- 0: not; it may lie ahead
    reason      TEXT   NOT NULL, -- of the revocation
    PRIMARY KEY (merchant_id, number)
) /* sqlite: WITHOUT ROWID */;
