-- +goose Up
CREATE TABLE cash_shifts (
    merchant_id    BIGINT NOT NULL,
    shift_id       BIGINT NOT NULL,
    device         TEXT   NOT NULL,
    opened_by      TEXT   NOT NULL, -- as people call him: what a slip says for ever
    opened_at      BIGINT NOT NULL,
    float_minor    BIGINT NOT NULL CHECK (float_minor >= 0), -- in the drawer when it was opened
    currency       TEXT   NOT NULL,
    closed_by      TEXT   NOT NULL,
    closed_at      BIGINT NOT NULL, -- 0 while it is open
    expected_minor BIGINT NOT NULL, -- float and cash taken, less cash given back
    counted_minor  BIGINT NOT NULL, -- by the person who closed it
    totals         TEXT   NOT NULL, -- of every method, JSON, as they stood at the close
    PRIMARY KEY (merchant_id, shift_id)
) /* sqlite: WITHOUT ROWID */;
CREATE UNIQUE INDEX cash_shifts_open ON cash_shifts (merchant_id, device) WHERE closed_at = 0;
CREATE INDEX cash_shifts_last ON cash_shifts (merchant_id, device, closed_at);
