-- Entries of the access log have ids that tell nothing: a sequence's would tell a subject of entries between its own,
-- which it may not see yet. Sixty random bits from the server's strong source, and one, since no id is zero.
--
-- The sequence stays for the release before, which grants its use; what was written keeps its id, as all of an entry.
alter table access_log alter column id
    set default ('x' || translate(right(gen_random_uuid()::text, 16), '-', ''))::bit(60)::bigint + 1;
