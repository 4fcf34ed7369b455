-- One statement fills one table with one day's payments, number $1 to $2 of all.
-- The first part is common to all: it makes a payment's values of its number.
WITH RECURSIVE number(n) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM number WHERE n < CAST($2 AS BIGINT)),
placed AS (
    SELECT n, CAST($3 AS BIGINT) + n % CAST($4 AS BIGINT) AS merchant_id, n / CAST($4 AS BIGINT) AS k, CAST($5 AS BIGINT) AS terminals,
        CAST($6 AS BIGINT) AS day, CAST($7 AS BIGINT) + (n - CAST($1 AS BIGINT)) * CAST($8 AS BIGINT) AS at,
        1000 + n * 37 % 8000 AS amount, CAST($9 AS BYTEA) AS hash
    FROM number),
past AS (
    SELECT n, merchant_id, k, day, at, amount, hash, (amount * 60 + 5000) / 10000 AS fee,
        (at / 1000 - 1577836800000) * 2097152 + n % 2097152 AS id,
        'B' || substr(CAST(10000001 + k % terminals AS TEXT), 2) AS tid,
        1 + k / terminals % 999999 AS trace,
        substr(CAST(1000000000000 + n AS TEXT), 2) AS ref
    FROM placed)
;
INSERT INTO payments (merchant_id, payment_id, tid, method, state, amount_minor, currency, fee_minor, fee_version, refunded_minor, refund_fee_minor,
    card_token, card_bin, card_last4, card_kind, entry_mode, day, created_at, updated_at)
SELECT merchant_id, id, tid, 'card', 'approved', amount, 'CNY', fee, 1, 0, 0,
    'tok_aaaaaaaaaaaaaaaa' || substr(CAST(1000001 + n % 1000 AS TEXT), 2), '622200', substr(CAST(10000 + n % 10000 AS TEXT), 2), 'debit', '02', day, at, at
FROM past
;
INSERT INTO attempts (merchant_id, attempt_id, payment_id, kind, of_attempt, channel, state, idem_key, content_hash, node_id, tid, batch, batch_day, trace,
    amount_minor, fee_minor, currency, stan, code, auth_code, issuer, booked, reason, day, created_at, updated_at)
SELECT merchant_id, id, id, 'sale', 0, 'cardnet', 'approved', CAST(day AS TEXT) || ':t:' || tid || ':000001:' || substr(CAST(1000000 + trace AS TEXT), 2), hash, 1, tid, 1, day, trace,
    amount, fee, 'CNY', 1 + n % 999999, '00', substr(CAST(1000000 + n % 1000000 AS TEXT), 2), '99622200   10000000', 1, '', day, at, at
FROM past
;
INSERT INTO ledger_entries (merchant_id, ref, fact, day, created_at)
SELECT merchant_id, ref, 'sale', day, at FROM past
;
INSERT INTO ledger_postings (merchant_id, ref, fact, line, account, currency, amount_minor)
SELECT merchant_id, ref, 'sale', 0, 'channel/cardnet', 'CNY', amount FROM past
UNION ALL SELECT merchant_id, ref, 'sale', 1, 'fees', 'CNY', -fee FROM past
UNION ALL SELECT merchant_id, ref, 'sale', 2, 'pending', 'CNY', fee - amount FROM past
;
INSERT INTO events (merchant_id, seq, kind, ref, body, created_at)
SELECT merchant_id, k + 1, 'payment.approved', ref,
    '{"payment":"' || ref || '","attempt":"' || ref || '","state":"approved","amount_minor":' || CAST(amount AS TEXT) ||
    ',"code":"00","currency":"CNY","card_last4":"0000","business_date":' || CAST(day AS TEXT) || '}', at
FROM past
