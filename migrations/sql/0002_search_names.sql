-- Finding a subject by its name: each present and former name with its key, looked up by pairs of neighbouring signs.
-- What the words mean, and why it is so: docs/search.md. Only names of `subjects` come in here: no person has one there.

-- place 0 is the present name, 1 and up are former ones in their order.
create table subject_names (
    subject_id bigint not null,
    place smallint not null,
    key text collate "C" not null,
    constraint pk_subject_names primary key (subject_id, place)
);

-- How many names hold a pair, for pairs that are not rare: counted now and then, see count_name_pairs().
create table name_pairs (
    pair text collate "C" not null,
    names bigint not null,
    constraint pk_name_pairs primary key (pair)
);

-- Of how many names, up to which subject, the pairs were counted.
create table name_counting (
    one smallint not null constraint ck_name_counting_one_row check (one = 1),
    names bigint not null,
    last_subject_id bigint not null,
    constraint pk_name_counting primary key (one)
);

-- ------------------------------------------------------------------------------------------------ keys and pairs

-- The key by which names are searched: one width, one case, without accents, spaces, brackets and stops. Signs that
-- LIKE reads as wildcards are signs like any other.
create function search_key(name text) returns text language sql immutable strict parallel safe
return translate(
    lower(normalize(regexp_replace(normalize(name, nfkd),
        '[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff[:space:][:cntrl:]]', '', 'g'), nfkc)),
    '()[]{}<>〔〕【】〖〗《》〈〉「」『』"''`“”‘’.,;:!?。、·•‧・-‐‑‒–—―~', ''
) collate "C";

-- The words of a key that only say the legal form, as a regular expression for one or more of them.
create function legal_forms() returns text language sql immutable parallel safe
return '(有限|责任|股份|集团|总?公司|合伙企业|普通合伙|有限合伙|coltd|colimited|limited|ltd|incorporated|inc|corporation|llc)+';

-- A key without the words of the legal form at its end; a key that is nothing else stays as it is.
create function name_core(key text) returns text language sql immutable strict parallel safe
return coalesce(nullif(regexp_replace(key, legal_forms() || '$', ''), ''), key) collate "C";

-- The pairs of neighbouring signs of a key, the smaller first: swapping two signs leaves their pair as it was.
create function name_pairs(key text) returns text[] language plpgsql immutable strict parallel safe as $$
declare
    pairs text[] := '{}';
    before text collate "C";
    sign text collate "C";
begin
    foreach sign in array string_to_array(key, null) loop
        if before is not null then
            pairs := pairs || case when before < sign then before || sign else sign || before end;
        end if;
        before := sign;
    end loop;
    return pairs;
end $$;

create index ix_subject_names_pairs on subject_names using gin (name_pairs(key));

-- For words that many names hold: the shortest names first, read from the index alone.
create index ix_subject_names_length on subject_names (length(key), subject_id) include (place, key);

-- ------------------------------------------------------------------------------------------------ keeping in step

-- The rows of one subject's names.
create function names_of(id bigint, name text, former_names text[])
    returns table (subject_id bigint, place smallint, key text) language sql immutable
begin atomic
    select names_of.id, 0::smallint, search_key(names_of.name)
    union all
    select names_of.id, former.place::smallint, search_key(former.name)
    from unnest(names_of.former_names) with ordinality as former (name, place)
    where former.name is not null;
end;

-- Whoever writes subjects, in whatever number: each statement brings its names along. Nobody else writes them, so it is
-- here that the list of what is not yet in the index is bounded: every search reads that list from end to end, so it is
-- short, but long while thousands of names come at once, which makes them four times as quick.
create function write_subject_names() returns trigger language plpgsql
    security definer set search_path from current set gin_pending_list_limit = '64kB' as $$
declare
    many boolean := (select count(*) > 1000 from (select from new_rows limit 1001) counted);
begin
    if many then
        perform set_config('gin_pending_list_limit', '4MB', true);
    end if;
    if tg_op = 'UPDATE' then
        delete from subject_names known
            using old_rows before, new_rows after
            where known.subject_id = before.id and after.id = before.id
                and (before.name, before.former_names) is distinct from (after.name, after.former_names);
        insert into subject_names (subject_id, place, key)
            select named.*
            from old_rows before join new_rows after on after.id = before.id,
                lateral names_of(after.id, after.name, after.former_names) named
            where (before.name, before.former_names) is distinct from (after.name, after.former_names);
    else
        insert into subject_names (subject_id, place, key)
            select named.* from new_rows added, lateral names_of(added.id, added.name, added.former_names) named;
    end if;
    if many then
        perform gin_clean_pending_list('ix_subject_names_pairs');
    end if;
    perform count_name_pairs_when_due();
    return null;
end $$;

create trigger write_inserted_names after insert on subjects
    referencing new table as new_rows for each statement execute function write_subject_names();
create trigger write_changed_names after update on subjects
    referencing old table as old_rows new table as new_rows for each statement execute function write_subject_names();

-- Counts the pairs of all names, or of a sample where there are many. A pair that less than one name in 16384 holds is
-- not kept: what is not in the table is rare.
create function count_name_pairs() returns void language plpgsql as $$
declare
    sampled_max constant bigint := 100000;
    counted bigint := (select count(*) from subject_names);
    share double precision := least(1, sampled_max / greatest(counted, 1)::double precision);
begin
    delete from name_pairs;
    insert into name_pairs (pair, names)
        select pair, round(count(*) / share)
        from subject_names tablesample system (100 * share) repeatable (1), unnest(name_pairs(key)) pair
        group by pair
        having count(*) / share > counted / 16384.0;
    delete from name_counting;
    insert into name_counting (one, names, last_subject_id)
        select 1, counted, coalesce(max(subject_id), 0) from subject_names;
end $$;

-- Counting is due when there are about twice as many subjects as when it was last done. Searches are right without
-- it, only slower, so it is left to the next statement where another one is counting, or where it could fail.
create function count_name_pairs_when_due() returns void language plpgsql as $$
begin
    if (select max(subject_id) from subject_names) > (select 2 * last_subject_id + 1000 from name_counting)
        and current_setting('transaction_isolation') = 'read committed'
        and pg_try_advisory_xact_lock(hashtext('count_name_pairs'))
    then
        perform count_name_pairs();
    end if;
end $$;

insert into name_counting (one, names, last_subject_id) values (1, 0, 0);
insert into subject_names (subject_id, place, key)
    select named.* from subjects, lateral names_of(id, name, former_names) named;
select count_name_pairs();

-- ------------------------------------------------------------------------------------------------ searching

-- A name that was asked for, taken apart once for a whole search.
create type asked_name as (
    key text,               -- its key
    core text,              -- that, without the words of the legal form
    grams text[],           -- the neighbouring signs of the key, in their order
    weights integer[],      -- how rare each of them is: 4 where all names hold it, up to 18
    weight integer,         -- the weights' sum
    slips text[],           -- the core with one sign wrong, missing, too many, or swapped, as LIKE patterns for a part
    rare text[],            -- pairs to look names up by, any of them; null where no pair is rare enough
    every text[],           -- pairs to look names up by, all of them at once; null where not
    common boolean          -- whether so many names hold every pair that the shortest of them are enough
);

-- LIKE patterns for all names that hold this one with one sign wrong, missing, too many, or two neighbours swapped.
create function slips_of(core text) returns text[] language plpgsql immutable strict parallel safe as $$
declare
    signs text[] := array(
        select case when sign in ('\', '%', '_') then '\' || sign else sign end
        from unnest(string_to_array(core, null)) sign
    );
    slips text[] := '{}';
    before text := '%';
    after text;
begin
    for place in 1 .. cardinality(signs) loop
        after := array_to_string(signs[place + 1:], '') || '%';
        slips := slips || array[before || '_' || after, before || after];
        if place < cardinality(signs) then
            slips := slips || array[
                before || signs[place] || '_' || after,
                before || signs[place + 1] || signs[place] || array_to_string(signs[place + 2:], '') || '%'
            ];
        end if;
        before := before || signs[place];
    end loop;
    return slips;
end $$;

create function asked_name(name text) returns asked_name language plpgsql stable as $$
declare
    -- How many names may be looked at because they share a rare pair; all of them are scored.
    near_max constant bigint := 500;
    asked asked_name;
    total double precision;
    gram text collate "C";
    pair_of_gram text collate "C";
    held_by bigint;
    weight integer;
    pairs text[] := '{}';
    counts bigint[] := '{}';
begin
    asked.key := search_key(name);
    asked.core := name_core(asked.key);
    if length(asked.core) < 2 then
        asked.core := asked.key;
    end if;
    select greatest(names, 1) into total from name_counting;
    asked.weight := 0;
    for place in 1 .. length(asked.key) - 1 loop
        gram := substr(asked.key, place, 2);
        pair_of_gram := least(left(gram, 1), right(gram, 1)) || greatest(left(gram, 1), right(gram, 1));
        select known.names into held_by from name_pairs known where known.pair = pair_of_gram;
        weight := 4 + least(14, floor(ln(total / greatest(coalesce(held_by, 0), 1)) / ln(2)));
        asked.grams := asked.grams || gram;
        asked.weights := asked.weights || weight;
        asked.weight := asked.weight + weight;
        pairs := pairs || pair_of_gram;
        counts := counts || coalesce(held_by, (total / 16384)::bigint);
    end loop;
    select array_agg(counted.pair) filter (where counted.so_far <= near_max) into asked.rare
        from (
            select each.pair, sum(min(each.names)) over (order by min(each.names), each.pair) as so_far
            from unnest(pairs, counts) each (pair, names)
            group by each.pair
        ) counted;
    if asked.rare is null then
        -- Reading n names by the index of pairs costs as much as finding 1000 among the shortest where n is this.
        asked.common := (select min(names) from unnest(counts) names) > 20 * sqrt(total);
        if not asked.common then
            asked.every := pairs;
        end if;
    else
        asked.common := false;
        -- A shorter one has too little left when a sign is wrong; in a longer one a slip hardly shows.
        if length(asked.core) between 4 and 40 then
            asked.slips := slips_of(asked.core);
        end if;
    end if;
    return asked;
end $$;

-- How far a name is from the one asked for, in ten-thousandths: 0 is the name itself; null where it is another name.
create function name_distance(asked asked_name, key text, place smallint)
    returns table (distance integer) language sql stable
begin atomic
    select (10000 - scored.score + case when name_distance.place > 0 then 200 else 0 end)::integer
    from (
        select case
            when name_distance.key = asked.key then 10000
            when strpos(name_distance.key, asked.core) = 1 then case
                when substr(name_distance.key, length(asked.core) + 1) ~ ('^' || legal_forms() || '$') then 9500
                when strpos(name_distance.key, asked.key) = 1
                    then 8000 + 1000 * length(asked.key) / length(name_distance.key)
                else 8000 + 1000 * length(asked.core) / length(name_distance.key)
            end
            when strpos(name_distance.key, asked.key) > 0
                then 7000 + 1000 * length(asked.key) / length(name_distance.key)
            when strpos(name_distance.key, asked.core) > 0
                then 7000 + 1000 * length(asked.core) / length(name_distance.key)
            else (
                select case
                    when covered >= 0.25 and name_distance.key like any (asked.slips) then (
                        select 5800 + 1000 * least(asked_length, length) / greatest(asked_length, length)
                        from (select length(asked.core) as asked_length, length(name_core(name_distance.key))) core
                    )
                    when covered >= 0.5 then 6000 * covered * (0.85 + 0.15 * (
                        least(length(asked.key), length(name_distance.key))::double precision
                        / greatest(length(asked.key), length(name_distance.key))))
                end
                from (
                    select sum(gram.weight) / asked.weight::double precision as covered
                    from unnest(asked.grams, asked.weights) gram (signs, weight)
                    where strpos(name_distance.key, gram.signs) > 0
                ) overlap
            )
        end as score
    ) scored;
end;
