-- +goose Up
DROP INDEX orders_of_payers;
CREATE INDEX orders_of_payers ON orders (payer, created_at) WHERE payer <> '';
