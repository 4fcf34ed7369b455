-- +goose Up
-- The retention looks every day for what is older than its term; the other tables that it looks through are small.
CREATE INDEX signatures_by_age ON signatures (signed_at);
