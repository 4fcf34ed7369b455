-- +goose Up
-- state: ordered, registered. tid: which of the merchant's terminals the order became; '' none yet.
ALTER TABLE terminal_orders ADD COLUMN tid TEXT NOT NULL DEFAULT '';
CREATE INDEX terminal_orders_open ON terminal_orders (ordered_at) WHERE state = 'ordered';
