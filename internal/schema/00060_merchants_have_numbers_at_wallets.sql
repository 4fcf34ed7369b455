-- +goose Up
CREATE TABLE merchant_wallets ( -- under which number a service provider's wallet knows a merchant; never changed, only followed
    merchant_id BIGINT NOT NULL,
    method      TEXT   NOT NULL, -- the wallet
    since       BIGINT NOT NULL, -- what began before goes on under the number before
    number      TEXT   NOT NULL,
    set_by      TEXT   NOT NULL,
    PRIMARY KEY (merchant_id, method, since)
) /* sqlite: WITHOUT ROWID */;
