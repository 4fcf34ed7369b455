-- +goose Up
CREATE TABLE signatures (
    merchant_id  BIGINT NOT NULL,
    payment_id   BIGINT NOT NULL,
    tid          TEXT   NOT NULL,
    batch        BIGINT NOT NULL,
    trace        BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL, -- what was signed for
    currency     TEXT   NOT NULL,
    format       TEXT   NOT NULL, -- pbm, jbig
    digest       BYTEA  NOT NULL, -- SHA-256 of payment, amount, time and picture together
    sealed       BYTEA  NOT NULL, -- the picture, sealed by the keystore and bound to the digest's facts
    signed_at    BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, payment_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE signature_parts ( -- of a signature whose last segment has not come
    merchant_id BIGINT NOT NULL,
    payment_id  BIGINT NOT NULL,
    part        BIGINT NOT NULL, -- 1, 2, 3…
    sealed      BYTEA  NOT NULL,
    PRIMARY KEY (merchant_id, payment_id, part)
) /* sqlite: WITHOUT ROWID */;
