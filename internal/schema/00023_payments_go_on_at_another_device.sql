-- +goose Up
CREATE TABLE handovers ( -- which device finishes a payment, when it is not the one that began it
    merchant_id BIGINT NOT NULL,
    payment_id  BIGINT NOT NULL,
    device      TEXT   NOT NULL, -- whose turn it is
    until       BIGINT NOT NULL, -- the end of its lease
    code        TEXT   NOT NULL, -- six digits by which another takes it; '' for none
    code_until  BIGINT NOT NULL,
    tries       BIGINT NOT NULL, -- wrong ones
    PRIMARY KEY (merchant_id, payment_id)
) /* sqlite: WITHOUT ROWID */;
CREATE UNIQUE INDEX handovers_by_code ON handovers (merchant_id, code) WHERE code <> '';
