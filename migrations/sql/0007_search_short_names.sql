-- A slip in a name of a few signs leaves hardly a pair of it: 清大华学 shares only 华大 with 清华大学. Such names are known
-- by what is left of them without one sign, which a name and its slip have in common: 清大学. See docs/search.md.

-- A text, and it without each one of its signs.
create function shortened(core text) returns text[] language sql immutable strict parallel safe
return array(
    select core collate "C" union select overlay(core placing '' from place for 1)
    from generate_series(1, length(core)) place
);

-- What a name of three to six signs, besides its legal form, is known by; null for a longer one.
create function shortened_name(key text) returns text[] language sql immutable strict parallel safe
return case when length(name_core(key)) between 3 and 6 then shortened(name_core(key)) end;

create index ix_subject_names_shortened on subject_names using gin (shortened_name(key))
    where shortened_name(key) is not null;

alter type asked_name add attribute shortened text[];    -- what short names are looked up by; null where the core is long
alter type asked_name add attribute whole_slips text[];  -- LIKE patterns for a whole core of a few signs with one slip

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
create or replace function name_distance(asked asked_name, key text, place smallint)
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
                    when covered >= 0.25 and name_distance.key like any (asked.slips)
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
                    select sum(gram.weight) / asked.weight::double precision as covered
                    from unnest(asked.grams, asked.weights) gram (signs, weight)
                    where strpos(name_distance.key, gram.signs) > 0
                ) overlap
            )
        end as score
    ) scored;
end;
