SELECT count(*), CAST(COALESCE(sum(amount_minor), 0) AS BIGINT)
FROM attempts
WHERE merchant_id = $1 AND attempt_id >= $2 AND kind = 'sale' AND state = 'approved' AND booked = 1
