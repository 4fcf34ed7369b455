-- +goose Up
ALTER TABLE batch_details ADD COLUMN kind TEXT NOT NULL DEFAULT 'magnetic'; -- magnetic, chip, refused by the chip, notice
ALTER TABLE batch_details ADD COLUMN icc BYTEA NOT NULL DEFAULT ''; -- of a chip: its last cryptogram and what that covers, BER-TLV
