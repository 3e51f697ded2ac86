// The SQL of this peer. What the answer holds is made by PostgreSQL, so that Node has nothing left to convert: global
// ids, moments as text. Each text has a name, under which a connection prepares it once.

const id = (prefix, column) => `'${prefix}_' || replace(${column}::text, '-', '')`
const moment = (column) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

const THING = `t.id as key, t.organization_id, t.home_group_id, ${id('thing', 't.id')} as id, t.name, t.type,
  t.external_id as "externalId", t.lifecycle, t.connected, ${moment('t.last_seen_at')} as "lastSeenAt", t.version`

export const statements = {
  thing: `select ${THING} from thing t where t.id = $1`,

  things: `select ${THING} from thing t where $2::uuid is null or t.id > $2 order by t.id limit $1`,

  thingsByName: `select ${THING} from thing t
    where ($2::text[] is null or t.type = any($2)) and ($3::text[] is null or t.lifecycle = any($3))
      and ($4::boolean is null or t.connected = $4)
    order by t.name, t.id limit $1`,

  organizations: `select o.id as key, ${id('org', 'o.id')} as id, o.name from organization o where o.id = any($1::uuid[])`,

  groups: `select g.id as key, ${id('group', 'g.id')} as id, g.name from thing_group g where g.id = any($1::uuid[])`,

  states: `select s.thing_id as key, s.version, s.reported from thing_state s where s.thing_id = any($1::uuid[])`,

  groupsOfOrganizations: `select parent.key as parent, page.* from unnest($1::uuid[]) parent (key), lateral (
      select g.id as key, ${id('group', 'g.id')} as id, g.name from thing_group g
      where g.organization_id = parent.key order by g.id limit $2
    ) page`,

  thingsOfGroups: `select parent.key as parent, page.* from unnest($1::uuid[]) parent (key), lateral (
      select ${THING} from thing_group_thing member join thing t on t.id = member.thing_id
      where member.group_id = parent.key order by member.thing_id limit $2
    ) page`,

  executionsOfThings: `select parent.key as parent, page.* from unnest($1::uuid[]) parent (key), lateral (
      select ${id('otaexec', 'e.id')} as id, e.status, e.progress from ota_execution e
      where e.thing_id = parent.key order by e.id desc limit $2
    ) page`,

  statsByType: stats('type'),

  statsByLifecycle: stats('lifecycle'),

  // One statement, and so one transaction: durable when it is answered.
  report: `with seen as (
      update thing set connected = true, last_seen_at = now() where id = $1::uuid
      returning id, organization_id, home_group_id
    ), state as (
      insert into thing_state (thing_id, reported, desired, version, reported_at)
      select id, $2::jsonb, '{}', 1, now() from seen
      on conflict (thing_id) do update
        set reported = thing_state.reported || excluded.reported, version = thing_state.version + 1, reported_at = now()
      returning thing_id, version, reported
    ), logged as (
      insert into event (transaction, kind, organization_id, group_id, thing_id, subject_id, detail, occurred_at)
      select pg_current_xact_id()::text::bigint, 'THING_STATE_CHANGED', organization_id, home_group_id, id, id,
        jsonb_build_object('side', 'REPORTED', 'patch', $2::jsonb, 'version', version), now()
      from seen join state on thing_id = id
    )
    select version, reported, pg_notify('fleetgraph_events', '') from state`
}

function stats (column) {
  return `select ${column} as key, count(*)::int as count, (count(*) filter (where connected))::int as connected,
      grouping(${column}) = 1 as whole
    from thing group by grouping sets ((${column}), ()) order by whole desc, count(*) desc, ${column} limit 101`
}
