// Fastify and Mercurius with its JIT, over `pg`: DATABASE_URL, PORT and CONNECTIONS come from the environment.

import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import pg from 'pg'

import { makeLoaders, makeResolvers } from './resolvers.js'
import { statements } from './statements.js'

const { DATABASE_URL, PORT, CONNECTIONS } = process.env
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(CONNECTIONS) })

async function run (name, values) {
  const { rows } = await pool.query({ name, text: statements[name], values })
  return rows
}

const app = Fastify({ logger: false })
app.register(mercurius, {
  schema: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers: makeResolvers(run),
  loaders: makeLoaders(run),
  jit: 1,
  graphiql: false
})
app.addHook('onClose', () => pool.end())
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => app.close())
await app.listen({ host: '127.0.0.1', port: Number(PORT) })
