SELECT t1.at AS c0, t1.position AS c1, t1.kind AS c2, t1.reason AS c3, t1.subject_id AS c4, t1.item_id AS c5, CASE WHEN (t1.item_kind = 'RECORD') THEN 'R' ELSE 'E' END AS c6, t2.subject_id AS c7, t2.kind AS c8, t2.id AS c9, t2.decided_on AS c10, t3.uscc AS c11, t3.name AS c12, t4.subject_id AS c13, t4.id AS c14, t4.reason AS c15
FROM disclosures AS t1 LEFT OUTER JOIN records AS t2 ON t1.subject_id = t2.subject_id AND t1.item_id = t2.id AND t1.item_kind = 'RECORD' AND t2.public_from <= $1::DATE AND (t2.public_until IS NULL OR t2.public_until >= $1::DATE) AND t2.withdrawn_reason IS NULL AND (t2.status NOT IN ('REVOKED', 'REPAIRED')) LEFT OUTER JOIN subjects AS t3 ON t2.subject_id = t3.id LEFT OUTER JOIN sanctions_entries AS t4 ON t1.subject_id = t4.subject_id AND t1.item_id = t4.id AND t1.item_kind = 'ENTRY' AND t4.status = 'LISTED' AND t4.public_from <= $1::DATE AND (t4.public_until IS NULL OR t4.public_until >= $1::DATE) AND t4.withdrawn_reason IS NULL AND (t4.until IS NULL OR t4.until >= $1::DATE)
WHERE t1.department_id = (SELECT departments_1.id
FROM departments AS departments_1
WHERE departments_1.code = ANY (CAST($2 AS TEXT[]))) ORDER BY t1.at ASC, t1.position ASC
LIMIT 6;
