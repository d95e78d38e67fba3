-- A slip in a part of four signs leaves one pair of it or none: 安健惠康 shares only 惠健 with 安惠健康. Around the slip the
-- sign before and the sign after stay, two places apart. And what many names hold is paged through in the order of its
-- distance, by an index for each part of that order. See docs/search.md.

-- The spans of a key: each sign and the next but one, the smaller first. No key holds the blank between them.
create function name_spans(key text) returns text[] language plpgsql immutable strict parallel safe as $$
declare
    spans text[] := '{}';
    first text collate "C";
    second text collate "C";
    sign text collate "C";
begin
    foreach sign in array string_to_array(key, null) loop
        if first is not null then
            spans := spans || case when first < sign then first || ' ' || sign else sign || ' ' || first end;
        end if;
        first := second;
        second := sign;
    end loop;
    return spans;
end $$;

create index ix_subject_names_spans on subject_names using gin (name_spans(key));

-- For names that are another but for the legal form.
create index ix_subject_names_core on subject_names (name_core(key));

-- For words that many names begin with, and for those that many former names hold: the shortest first.
create index ix_subject_names_begin on subject_names (left(key, 2), length(key), subject_id) include (place, key);
create index ix_subject_names_former on subject_names (length(key), subject_id) include (place, key) where place > 0;

alter type asked_name add attribute spans text[];    -- what a part of a few signs is looked up by besides; null where not

-- Whoever writes subjects, in whatever number: as before, and with the index of spans.
create or replace function write_subject_names() returns trigger language plpgsql
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
        perform gin_clean_pending_list('ix_subject_names_spans');
    end if;
    perform count_name_pairs_when_due();
    return null;
end $$;

-- Counts the pairs and spans of all names, or of a sample where there are many. A pair that less than one name in 16384 holds is
-- not kept: what is not in the table is rare.
create or replace function count_name_pairs() returns void language plpgsql as $$
declare
    sampled_max constant bigint := 100000;
    counted bigint := (select count(*) from subject_names);
    share double precision := least(1, sampled_max / greatest(counted, 1)::double precision);
begin
    delete from name_pairs;
    insert into name_pairs (pair, names)
        select pair, round(count(*) / share)
        from subject_names tablesample system (100 * share) repeatable (1), unnest(name_pairs(key) || name_spans(key)) pair
        group by pair
        having count(*) / share > counted / 16384.0;
    delete from name_counting;
    insert into name_counting (one, names, last_subject_id)
        select 1, counted, coalesce(max(subject_id), 0) from subject_names;
end $$;

create or replace function asked_name(name text) returns asked_name language plpgsql stable as $$
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
    if length(asked.core) between 3 and 7 then
        asked.shortened := shortened(asked.core);
        asked.whole_slips := array(select substr(slip, 2, length(slip) - 2) from unnest(slips_of(asked.core)) slip);
    end if;
    if asked.rare is null then
        -- Measuring n names found by the index of pairs costs as much as finding a page of them in order where n is this.
        asked.common := (select min(names) from unnest(counts) names) > 20 * sqrt(total);
        if not asked.common then
            asked.every := pairs;
        end if;
    else
        asked.common := false;
        -- A shorter one has too little left when a sign is wrong; in a longer one a slip hardly shows.
        if length(asked.core) between 4 and 40 then
            asked.slips := slips_of(asked.core);
        elsif length(asked.core) = 3 then
            -- Only those where a sign was left out: they are the longest, by the sign that may be any.
            asked.slips := array(
                select slip from unnest(slips_of(asked.core)) slip order by length(slip) desc limit 2
            );
        end if;
        if length(asked.core) between 3 and 6 then
            select array_agg(counted.span) filter (where counted.so_far <= near_max) into asked.spans
                from (
                    select span, sum(names) over (order by names, span) as so_far
                    from (
                        select span, coalesce(known.names, (total / 16384)::bigint) as names
                        from (
                            select unnest(name_spans(asked.core)) span
                            union select left(pair, 1) || ' ' || right(pair, 1) from unnest(name_pairs(asked.core)) pair
                        ) each left join name_pairs known on known.pair = each.span
                    ) spans
                ) counted;
        end if;
    end if;
    return asked;
end $$;

-- How far a name is from the one asked for, in ten-thousandths: 0 is the name itself; null where it is another name.
create or replace function name_distance(asked asked_name, key text, place smallint)
    returns table (distance integer) language sql stable
begin atomic
    select (10000 - scored.score + case when name_distance.place > 0 then 200 else 0 end)::integer
    from (
        select case
            when name_distance.key = asked.key then 10000
            when strpos(name_distance.key, asked.core) = 1 then case
                -- What is left is asked first: to make the core of a name takes longer than all the rest.
                when substr(name_distance.key, length(asked.core) + 1) ~ ('^(' || legal_forms() || ')?$')
                    and name_core(name_distance.key) = asked.core then 9500
                else 8000 + 1000 * length(asked.core) / length(name_distance.key)
            end
            when strpos(name_distance.key, asked.key) > 0
                then 7000 + 1000 * length(asked.key) / length(name_distance.key)
            when strpos(name_distance.key, asked.core) > 0
                then 7000 + 1000 * length(asked.core) / length(name_distance.key)
            else (
                select case
                    -- What names are looked up by spans for may have no pair left.
                    when (covered >= 0.25 or asked.spans is not null) and name_distance.key like any (asked.slips)
                        -- Asked first, or the core of every name would be made for nothing.
                        or asked.whole_slips is not null
                            and name_core(name_distance.key) like any (asked.whole_slips) then (
                        select 5800 + 1000 * least(asked_length, length) / greatest(asked_length, length)
                        from (select length(asked.core) as asked_length, length(name_core(name_distance.key))) core
                    )
                    when covered >= 0.5 then 6000 * covered * (0.85 + 0.15 * (
                        least(length(asked.key), length(name_distance.key))::double precision
                        / greatest(length(asked.key), length(name_distance.key))))
                end
                from (
                    select coalesce(sum(gram.weight), 0) / asked.weight::double precision as covered
                    from unnest(asked.grams, asked.weights) gram (signs, weight)
                    where strpos(name_distance.key, gram.signs) > 0
                ) overlap
            )
        end as score
    ) scored;
end;

select count_name_pairs();

-- It runs with its owner's rights: a caller's temporary table must not come before the hub's own (see 0005).
do $$ begin
    execute format('alter function write_subject_names() set search_path = %I, pg_temp', current_schema());
end $$;
