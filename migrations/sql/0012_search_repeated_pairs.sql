-- Each gram of what is asked once, with the weight of all its places: a word said a hundred times over made the measuring of
-- every name that holds it thirty times as long, and says no more of any of them.
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
    known_at integer;
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
        known_at := array_position(asked.grams, gram);
        if known_at is null then
            asked.grams := asked.grams || gram;
            asked.weights := asked.weights || weight;
        else
            asked.weights[known_at] := asked.weights[known_at] + weight;
        end if;
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
