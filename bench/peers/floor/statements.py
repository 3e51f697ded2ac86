"""One statement for each operation, written by hand: PostgreSQL builds the whole answer as JSON."""

from __future__ import annotations

from typing import Final


def _id(prefix: str, column: str) -> str:
    return f"'{prefix}_' || replace({column}::text, '-', '')"


_SEEN: Final = """to_char(t.last_seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""

POINT: Final = f"""
SELECT json_build_object('data', json_build_object('thing', (
  SELECT json_build_object(
    'id', {_id("thing", "t.id")}, 'name', t.name, 'type', t.type, 'externalId', t.external_id,
    'lifecycle', t.lifecycle, 'connected', t.connected, 'lastSeenAt', {_SEEN}, 'version', t.version)
  FROM thing t WHERE t.id = $1::uuid
)))
"""
LIST: Final = f"""
SELECT json_build_object('data', json_build_object('things', json_build_object(
  'nodes', coalesce(json_agg(json_build_object(
    'id', {_id("thing", "t.id")}, 'name', t.name, 'type', t.type,
    'lifecycle', t.lifecycle, 'connected', t.connected, 'lastSeenAt', {_SEEN},
    'homeGroup', CASE WHEN g.id IS NOT NULL THEN json_build_object('id', {_id("group", "g.id")}, 'name', g.name) END,
    'organization', json_build_object('id', {_id("org", "o.id")}, 'name', o.name)) ORDER BY t.id), '[]'),
  'pageInfo', json_build_object('hasNextPage', EXISTS (
    SELECT FROM thing WHERE $2::uuid IS NULL OR id > $2 ORDER BY id OFFSET $1)))))
FROM (SELECT * FROM thing WHERE $2::uuid IS NULL OR id > $2 ORDER BY id LIMIT $1) t
JOIN organization o ON o.id = t.organization_id
LEFT JOIN thing_group g ON g.id = t.home_group_id
"""
WALK: Final = f"""
SELECT json_build_object('data', json_build_object('things', json_build_object('pageInfo', json_build_object(
  'hasNextPage', count(*) > $1, 'endCursor', max({_id("thing", "id")}) FILTER (WHERE place <= $1)))))
FROM (
  SELECT id, row_number() OVER (ORDER BY id) AS place FROM thing
  WHERE $2::uuid IS NULL OR id > $2 ORDER BY id LIMIT $1 + 1
) walked
"""
NESTED: Final = f"""
SELECT json_build_object('data', json_build_object('organization', (
  SELECT json_build_object('id', {_id("org", "o.id")}, 'name', o.name, 'groups', json_build_object(
    'nodes', (
      SELECT coalesce(json_agg(json_build_object(
        'id', {_id("group", "g.id")}, 'name', g.name, 'things', json_build_object(
          'nodes', (
            SELECT coalesce(json_agg(json_build_object(
              'id', {_id("thing", "t.id")}, 'name', t.name, 'type', t.type, 'connected', t.connected,
              'state', json_build_object('version', s.version, 'reported', s.reported),
              'executions', json_build_object('nodes', (
                SELECT coalesce(json_agg(json_build_object(
                  'id', {_id("otaexec", "e.id")}, 'status', e.status, 'progress', e.progress) ORDER BY e.id DESC), '[]')
                FROM (
                  SELECT id, status, progress FROM ota_execution WHERE thing_id = t.id ORDER BY id DESC LIMIT 3
                ) e))) ORDER BY t.id), '[]')
            FROM (
              SELECT t.* FROM thing_group_thing m JOIN thing t ON t.id = m.thing_id
              WHERE m.group_id = g.id ORDER BY m.thing_id LIMIT 20
            ) t JOIN thing_state s ON s.thing_id = t.id),
          'pageInfo', json_build_object('hasNextPage', EXISTS (
            SELECT FROM thing_group_thing WHERE group_id = g.id OFFSET 20)))) ORDER BY g.id), '[]')
      FROM (SELECT id, name FROM thing_group WHERE organization_id = o.id ORDER BY id LIMIT 10) g),
    'pageInfo', json_build_object('hasNextPage', EXISTS (
      SELECT FROM thing_group WHERE organization_id = o.id OFFSET 10))))
  FROM organization o WHERE o.id = $1::uuid
)))
"""
_FILTERED: Final = "type = ANY($1::text[]) AND lifecycle = ANY($2::text[]) AND connected = $3"
FILTER: Final = f"""
SELECT json_build_object('data', json_build_object('things', json_build_object(
  'nodes', coalesce(json_agg(json_build_object(
    'id', {_id("thing", "t.id")}, 'name', t.name, 'type', t.type, 'lastSeenAt', {_SEEN},
    'homeGroup', CASE WHEN g.id IS NOT NULL THEN json_build_object('name', g.name) END)
    ORDER BY t.name, t.id) FILTER (WHERE t.place <= 50), '[]'),
  'pageInfo', json_build_object('hasNextPage', count(*) > 50))))
FROM (
  SELECT *, row_number() OVER (ORDER BY name, id) AS place FROM thing WHERE {_FILTERED} ORDER BY name, id LIMIT 51
) t LEFT JOIN thing_group g ON g.id = t.home_group_id
"""
REPORT: Final = """
WITH seen AS (
  UPDATE thing SET connected = true, last_seen_at = now() WHERE id = $1::uuid
  RETURNING id, organization_id, home_group_id
), state AS (
  INSERT INTO thing_state (thing_id, reported, desired, version, reported_at)
  SELECT id, $2::jsonb, '{}', 1, now() FROM seen
  ON CONFLICT (thing_id) DO UPDATE
    SET reported = thing_state.reported || excluded.reported, version = thing_state.version + 1, reported_at = now()
  RETURNING thing_id, version, reported
), logged AS (
  INSERT INTO event (transaction, kind, organization_id, group_id, thing_id, subject_id, detail, occurred_at)
  SELECT pg_current_xact_id()::text::bigint, 'THING_STATE_CHANGED', organization_id, home_group_id, id, id,
    jsonb_build_object('side', 'REPORTED', 'patch', $2::jsonb, 'version', version), now()
  FROM seen JOIN state ON thing_id = id
), told AS (SELECT pg_notify('fleetgraph_events', '') FROM state)
SELECT json_build_object('data', json_build_object('reportThingState', json_build_object(
  'state', json_build_object('version', version, 'reported', reported), 'userErrors', '[]'::json)))
FROM state, told
"""
"""One statement is one transaction: what is answered is durable."""


def aggregate(column: str) -> str:
    """Counts of all things and of those that share a value of the column, in one scan."""
    return f"""
SELECT json_build_object('data', json_build_object('thingStats', json_build_object(
  'total', max(count) FILTER (WHERE whole), 'connected', max(connected) FILTER (WHERE whole),
  'buckets', json_agg(json_build_object('key', key, 'count', count, 'connected', connected) ORDER BY count DESC, key)
    FILTER (WHERE NOT whole))))
FROM (
  SELECT {column} AS key, count(*) AS count, count(*) FILTER (WHERE connected) AS connected,
    grouping({column}) = 1 AS whole
  FROM thing GROUP BY GROUPING SETS (({column}), ())
) counted
"""
