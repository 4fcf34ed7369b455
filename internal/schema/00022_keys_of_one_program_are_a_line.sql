-- +goose Up
ALTER TABLE api_keys ADD COLUMN first_id BIGINT NOT NULL DEFAULT 0; -- the key that this one and those before it replaced; 0: it is the first
