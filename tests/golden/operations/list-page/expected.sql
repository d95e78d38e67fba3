SELECT t1.name AS c0, t1.criteria AS c1, array((SELECT row(t2.id, t3.name, t2.reason, t2.permanent, array((SELECT row(t4.document_number, t5.subject_id, t5.kind, t5.id) AS row_2
FROM listing_bases AS t4 LEFT OUTER JOIN records AS t5 ON t4.subject_id = t5.subject_id AND t4.record_id = t5.id AND t5.public_from <= $1::DATE AND (t5.public_until IS NULL OR t5.public_until >= $1::DATE) AND t5.withdrawn_reason IS NULL AND (t5.status NOT IN ('REVOKED', 'REPAIRED'))
WHERE t2.subject_id = t4.subject_id AND t2.id = t4.entry_id ORDER BY t4.id ASC
LIMIT 4011)), array((SELECT row(t6.status, t6.stepped_on, t7.code) AS row_3
FROM listing_steps AS t6 LEFT OUTER JOIN departments AS t7 ON t6.by_id = t7.id
WHERE t2.subject_id = t6.subject_id AND t2.id = t6.entry_id ORDER BY t6.id ASC
LIMIT 4011)), array((SELECT row(t8.name) AS row_4
FROM regions AS t8
WHERE t8.code = ANY (t2.region_codes) ORDER BY t8.code ASC
LIMIT 4011)), array((SELECT row(t9.name) AS row_5
FROM measures AS t9
WHERE t9.code = ANY (t2.measure_codes) ORDER BY t9.code ASC
LIMIT 4011))) AS row_1
FROM sanctions_entries AS t2 LEFT OUTER JOIN subjects AS t3 ON t2.subject_id = t3.id
WHERE t1.id = t2.list_id AND t2.status = 'LISTED' AND t2.public_from <= $1::DATE AND (t2.public_until IS NULL OR t2.public_until >= $1::DATE) AND t2.withdrawn_reason IS NULL AND (t2.until IS NULL OR t2.until >= $1::DATE) AND t2.status = (SELECT unnest(CAST($2 AS TEXT[])) AS unnest_1) AND (EXISTS (SELECT 1
FROM unnest(CAST($2 AS TEXT[])) AS asked
WHERE (asked NOT IN ('PROPOSED', 'NOTIFIED', 'REMOVED', 'DISMISSED', 'ANNULLED')))) ORDER BY t2.id ASC
LIMIT 6)) AS c2
FROM sanctions_lists AS t1
WHERE t1.code = $3::VARCHAR COLLATE "C";
