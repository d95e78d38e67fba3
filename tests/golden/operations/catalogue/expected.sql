SELECT t1.code AS c0, t1.version AS c1, t1.record_kind AS c2, t1.publicity AS c3, t1.min_months IS NOT NULL OR t1.max_months IS NOT NULL AS c4, t1.min_months AS c5, t1.max_months AS c6, t1.department_codes AS c7
FROM catalogue_items AS t1
WHERE t1.effective_from <= $1::DATE AND (t1.effective_until IS NULL OR t1.effective_until >= $1::DATE) ORDER BY t1.code ASC, t1.id ASC
LIMIT 20101;

SELECT u2.ord AS c0, t3.code AS c1, t4.id AS c2, t4.code AS c3
FROM unnest($1::INTEGER[], $2::TEXT[]) AS u2(ord, k0) JOIN departments AS t3 ON u2.k0 = t3.code LEFT OUTER JOIN departments AS t4 ON t3.parent_id = t4.id
WHERE true ORDER BY u2.ord, t3.id ASC
LIMIT 21001;
