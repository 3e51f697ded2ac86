// What the gateway's graph has and tables do not say: global ids, moments with a Z, the things of a group through their
// membership, and the (empty) errors of a payload. Everything is a plan, so that it becomes part of the SQL.

import { TYPES } from 'postgraphile/@dataplan/pg'
import { sql } from 'postgraphile/pg-sql2'
import { connection, constant } from 'postgraphile/grafast'
import { extendSchema, gql } from 'postgraphile/utils'

const globalId = (prefix) => ($row) =>
  $row.select(sql`${sql.literal(prefix + '_')} || replace(${$row}.id::text, '-', '')`, TYPES.text)

const FORM = sql.literal('YYYY-MM-DD"T"HH24:MI:SS.US"Z"')

export const FleetPlugin = extendSchema((build) => {
  const { thing, thing_group_thing: membership } = build.input.pgRegistry.pgResources

  // A page of the things whose memberships name the group, in the order of the membership's own index.
  function thingsOfGroup ($group) {
    const $things = thing.find()
    const member = sql.identifier(Symbol('member'))
    $things.join({
      type: 'inner',
      from: membership.from,
      alias: member,
      conditions: [sql`${member}.thing_id = ${$things}.id`]
    })
    $things.where(sql`${member}.group_id = ${$things.placeholder($group.get('id'))}`)
    $things.orderBy({ fragment: sql`${member}.thing_id`, codec: TYPES.uuid, direction: 'ASC' })
    $things.setOrderIsUnique()
    return connection($things)
  }

  return {
    typeDefs: gql`
      extend type Organization { id: ID! }
      extend type ThingGroup {
        id: ID!
        things: ThingConnection!
      }
      extend type Thing {
        id: ID!
        lastSeen: String
      }
      extend type OtaExecution { id: ID! }
      extend type BenchReportThingStatePayload { userErrors: [UserError!]! }
      type UserError { code: String! }
    `,
    objects: {
      Organization: { plans: { id: globalId('org') } },
      ThingGroup: {
        plans: {
          id: globalId('group'),
          things: thingsOfGroup
        }
      },
      Thing: {
        plans: {
          id: globalId('thing'),
          lastSeen: ($thing) =>
            $thing.select(sql`to_char(${$thing}.last_seen_at at time zone 'UTC', ${FORM})`, TYPES.text)
        }
      },
      OtaExecution: { plans: { id: globalId('otaexec') } },
      BenchReportThingStatePayload: { plans: { userErrors: () => constant([]) } }
    }
  }
}, 'FleetPlugin')
