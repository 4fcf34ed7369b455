-- +goose Up
ALTER TABLE keys ADD COLUMN exportability TEXT NOT NULL DEFAULT 'E'; -- E, S, N as in a key block's header
