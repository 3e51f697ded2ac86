-- What PostGraphile cannot make of the tables alone, in the way that it has for that: functions in the database.

drop schema if exists bench cascade;
create schema bench;

create type bench.thing_stats_bucket as (key text, count integer, connected integer);
create type bench.thing_stats as (
  total integer, connected integer, buckets bench.thing_stats_bucket[]
);

-- One scan for the whole and its parts. A text chooses the column, as an enum of the graph would.
create function bench.thing_stats(group_by text) returns bench.thing_stats
language plpgsql stable as $$
declare
  answer bench.thing_stats;
begin
  if group_by = 'TYPE' then
    select max(count) filter (where whole), max(connected) filter (where whole),
      array_agg((key, count, connected)::bench.thing_stats_bucket order by count desc, key)
        filter (where not whole)
    into answer
    from (
      select type as key, count(*)::integer as count, (count(*) filter (where connected))::integer as connected,
        grouping(type) = 1 as whole
      from public.thing group by grouping sets ((type), ())
    ) counted;
  else
    select max(count) filter (where whole), max(connected) filter (where whole),
      array_agg((key, count, connected)::bench.thing_stats_bucket order by count desc, key)
        filter (where not whole)
    into answer
    from (
      select lifecycle as key, count(*)::integer as count, (count(*) filter (where connected))::integer as connected,
        grouping(lifecycle) = 1 as whole
      from public.thing group by grouping sets ((lifecycle), ())
    ) counted;
  end if;
  return answer;
end
$$;

create function bench.report_thing_state(thing_id uuid, reported jsonb) returns public.thing_state
language plpgsql volatile as $$
#variable_conflict use_column
declare
  seen public.thing;
  state public.thing_state;
begin
  update public.thing set connected = true, last_seen_at = now()
  where id = report_thing_state.thing_id returning * into strict seen;
  insert into public.thing_state (thing_id, reported, desired, version, reported_at)
  values (seen.id, report_thing_state.reported, '{}', 1, now())
  on conflict (thing_id) do update
    set reported = thing_state.reported || excluded.reported, version = thing_state.version + 1, reported_at = now()
  returning * into state;
  insert into public.event (transaction, kind, organization_id, group_id, thing_id, subject_id, detail, occurred_at)
  values (
    pg_current_xact_id()::text::bigint, 'THING_STATE_CHANGED', seen.organization_id, seen.home_group_id, seen.id, seen.id,
    jsonb_build_object('side', 'REPORTED', 'patch', report_thing_state.reported, 'version', state.version), now()
  );
  perform pg_notify('fleetgraph_events', '');
  return state;
end
$$;
