-- +goose Up
CREATE TABLE shop_items (
    merchant_id BIGINT NOT NULL,
    item_id     BIGINT NOT NULL,
    name_zh     TEXT   NOT NULL, -- one of both names may be empty
    name_en     TEXT   NOT NULL,
    price_minor BIGINT NOT NULL CHECK (price_minor > 0),
    currency    TEXT   NOT NULL,
    barcode     TEXT   NOT NULL, -- "" for none
    category    TEXT   NOT NULL, -- "" for none
    place       BIGINT NOT NULL, -- order on the screen, then by item_id
    state       TEXT   NOT NULL, -- on sale, sold out, hidden
    photo       TEXT   NOT NULL, -- "" for none, else the digest in item_photos
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, item_id)
) /* sqlite: WITHOUT ROWID */;
CREATE UNIQUE INDEX shop_items_barcode ON shop_items (merchant_id, barcode) WHERE barcode <> '';

CREATE TABLE item_photos (
    merchant_id BIGINT NOT NULL,
    item_id     BIGINT NOT NULL,
    digest      TEXT   NOT NULL, -- of the picture, in its address: a new picture has a new one
    picture     BYTEA  NOT NULL, -- JPEG, made by us: nothing of the upload but its pixels
    PRIMARY KEY (merchant_id, item_id)
);
