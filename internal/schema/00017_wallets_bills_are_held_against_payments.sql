-- +goose Up
CREATE TABLE wallet_bills ( -- how a wallet's bill of a day compared when it was checked last
    channel       TEXT   NOT NULL,
    day           BIGINT NOT NULL, -- the wallet's, yyyymmdd
    row_count     BIGINT NOT NULL,
    matched_count BIGINT NOT NULL,
    break_count   BIGINT NOT NULL,
    currency      TEXT   NOT NULL,
    sales_minor   BIGINT NOT NULL,
    refunds_minor BIGINT NOT NULL,
    fees_minor    BIGINT NOT NULL, -- what the wallet kept
    checked_at    BIGINT NOT NULL,
    PRIMARY KEY (channel, day)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE wallet_bill_breaks (
    channel     TEXT   NOT NULL,
    day         BIGINT NOT NULL,
    line        BIGINT NOT NULL,
    merchant_id BIGINT NOT NULL, -- 0: nobody's whom we know
    verdict     TEXT   NOT NULL, -- missing here, missing there, amount differs, state differs
    kind        TEXT   NOT NULL,
    number      TEXT   NOT NULL,
    there_minor BIGINT NOT NULL, -- the bill's; 0: not in it
    here_minor  BIGINT NOT NULL, -- ours; 0: none
    currency    TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    PRIMARY KEY (channel, day, line)
) /* sqlite: WITHOUT ROWID */;
