// Speaks graphql-transport-ws with the client that browsers use (npm `graphql-ws`), against the gateway at the given
// address, and prints one JSON line for each thing that it saw.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, authorization] = process.argv.slice(2);
if (!url) {
  console.error('usage: node clients.mjs ws://127.0.0.1:8000/graphql "Bearer ..."');
  process.exit(2);
}
const show = (what, value) => console.log(JSON.stringify({ what, value }));

function client(options = {}) {
  return createClient({ url, webSocketImpl: WebSocket, connectionParams: { authorization }, retryAttempts: 0, ...options });
}

async function collect(from, query, variables) {
  const results = [];
  for await (const result of from.iterate({ query, variables })) results.push(result);
  return results;
}

let pongs = 0;
const main = client({ lazy: false, keepAlive: 50, on: { pong: (received) => received && pongs++ } });
show('query', await collect(main, '{ whoami }'));
show('mutation', await collect(main, 'mutation ($what: String!) { note(what: $what) }', { what: 'rain' }));
show('subscription', await collect(main, 'subscription { ticks(count: 3) { number } }'));
show('together', await Promise.all([
  collect(main, '{ a: hello }'),
  collect(main, '{ nothing }').catch((errors) => errors.map(({ extensions }) => extensions.code)),
  collect(main, 'subscription { ticks(count: 2) { number } }'),
]));
const left = main.iterate({ query: 'subscription { gated(gate: "never") { number } }' });
show('first of many', (await left.next()).value);
await left.return();
show('after leaving', await collect(main, '{ hello }'));
while (pongs === 0) await new Promise((done) => setTimeout(done, 20));
show('pongs', pongs > 0);
await main.dispose();

const refused = client({ connectionParams: { authorization: 'Bearer mallory' } });
show('refused', await collect(refused, '{ hello }').catch(({ code, reason }) => ({ code, reason })));
