// Resolvers of roots, and loaders: one statement for all parents of a field. Loaders keep nothing (`cache: false`),
// which saves the text of every parent that Mercurius would make as the key of its cache.

const uncached = (loader) => ({ loader, opts: { cache: false } })
const key = (id) => id.slice(id.indexOf('_') + 1)

export function makeResolvers (run) {
  async function report (_, { input }) {
    const [state] = await run('report', [key(input.thingId), JSON.stringify(input.reported)])
    return { state, userErrors: [] }
  }

  async function things (_, { first, after, filter, orderBy }) {
    if (!filter && !orderBy) return page(await run('things', [first + 1, after ? key(after) : null]), first)
    const { type = null, lifecycle = null, connected = null } = filter ?? {}
    return page(await run('thingsByName', [first + 1, type, lifecycle, connected]), first)
  }

  async function thingStats (_, { groupBy }) {
    const [whole, ...buckets] = await run(groupBy === 'TYPE' ? 'statsByType' : 'statsByLifecycle', [])
    return { total: whole.count, connected: whole.connected, buckets }
  }

  return {
    Query: {
      thing: async (_, { id }) => (await run('thing', [key(id)]))[0],
      organization: async (_, { id }) => (await run('organizations', [[key(id)]]))[0],
      things,
      thingStats
    },
    Mutation: { reportThingState: report }
  }
}

export function makeLoaders (run) {
  // One row for each parent, by the parent's value in `column`.
  const one = (statement, column) => uncached(async (queries) => {
    const keys = new Set()
    for (const { obj } of queries) if (obj[column] !== null) keys.add(obj[column])
    const found = new Map()
    for (const row of await run(statement, [[...keys]])) found.set(row.key, row)
    return queries.map(({ obj }) => found.get(obj[column]) ?? null)
  })

  // A page for each parent (one may be met twice: a thing in two groups); parents that ask for pages of another size come
  // in a statement of their own.
  const many = (statement) => uncached(async (queries) => {
    const pages = new Map()
    for (const first of new Set(queries.map(({ params }) => params.first))) {
      const found = new Map()
      for (const { obj, params } of queries) if (params.first === first) found.set(obj.key, [])
      for (const row of await run(statement, [[...found.keys()], first + 1])) found.get(row.parent).push(row)
      pages.set(first, found)
    }
    return queries.map(({ obj, params: { first } }) => page(pages.get(first).get(obj.key), first))
  })

  return {
    Organization: { groups: many('groupsOfOrganizations') },
    Group: { things: many('thingsOfGroups') },
    Thing: {
      organization: one('organizations', 'organization_id'),
      homeGroup: one('groups', 'home_group_id'),
      state: one('states', 'key'),
      executions: many('executionsOfThings')
    }
  }
}

// The statements bring one row more than was asked for, which says whether there is a next page.
function page (rows, first) {
  const hasNextPage = rows.length > first
  const nodes = hasNextPage ? rows.slice(0, first) : rows
  return { nodes, pageInfo: { hasNextPage, endCursor: nodes.at(-1)?.id ?? null } }
}
