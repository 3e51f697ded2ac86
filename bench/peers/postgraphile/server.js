// PostGraphile 5 over its own HTTP server: DATABASE_URL, PORT and CONNECTIONS come from the environment.

import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'

import { FleetPlugin } from './fleet.js'

const { DATABASE_URL, PORT, CONNECTIONS } = process.env

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [FleetPlugin],
  disablePlugins: ['NodePlugin', 'PgIndexBehaviorsPlugin'],
  pgServices: [
    makePgService({
      connectionString: DATABASE_URL,
      schemas: ['public', 'bench'],
      poolConfig: { max: Number(CONNECTIONS) }
    })
  ],
  grafast: { explain: false },
  grafserv: { graphiql: false, websockets: false, watch: false, outputDataAsString: true }
})

const server = createServer()
server.on('error', (error) => {
  console.error(error)
  process.exit(1)
})
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0))
await instance.createServ(grafserv).addTo(server)
if (process.env.PRINT_SCHEMA) {
  const { printSchema } = await import('graphql')
  console.log(printSchema(await instance.getSchema()))
}
await instance.getSchema()
server.listen(Number(PORT), '127.0.0.1')
