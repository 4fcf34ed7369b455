-- +goose Up
CREATE TABLE handovers (
    merchant_id BIGINT NOT NULL,
    payment_id  BIGINT NOT NULL,
    code        TEXT   NOT NULL, -- six digits, "" once it was taken
    expires_at  BIGINT NOT NULL, -- of the code
    holder      TEXT   NOT NULL, -- the device that follows the payment, "" while it is only offered
    holder_name TEXT   NOT NULL, -- as people call it
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, payment_id)
) /* sqlite: WITHOUT ROWID */;
CREATE UNIQUE INDEX handovers_code ON handovers (merchant_id, code) WHERE code <> '';
