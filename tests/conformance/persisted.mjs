// Asks a gateway the same query twice through the persisted query link of @apollo/client, which is loaded from the npm
// project in the working directory. Prints one JSON line for each request that went out, and one for each answer.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/`);
const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } = require('@apollo/client');
const { PersistedQueryLink } = require('@apollo/client/link/persisted-queries');

const [uri, method, manifest] = process.argv.slice(2);
if (!uri) {
  console.error('usage: node persisted.mjs http://127.0.0.1:8000/graphql POST|GET [MANIFEST]');
  process.exit(2);
}
const show = (what, value) => console.log(JSON.stringify({ what, value }));

async function watched(address, options) {
  const inUrl = Object.fromEntries(new URL(address).searchParams);
  const sent = options.method === 'GET' ? { ...inUrl, extensions: JSON.parse(inUrl.extensions) } : JSON.parse(options.body);
  const response = await fetch(address, options);
  show('request', { method: options.method, query: 'query' in sent, hash: 'persistedQuery' in (sent.extensions ?? {}) });
  return response;
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const ids = JSON.parse(manifest ?? '{}');
const client = new ApolloClient({
  link: ApolloLink.from([
    new PersistedQueryLink({
      ...(manifest ? { generateHash: () => ids.Greet } : { sha256 }),
      useGETForHashedQueries: method === 'GET',
    }),
    new HttpLink({ uri, fetch: watched }),
  ]),
  cache: new InMemoryCache(),
});
const query = gql`query Greet($name: String!) { hello(name: $name) }`;
for (const name of ['Ada', 'Jonas']) {
  const { data, error } = await client.query({ query, variables: { name }, errorPolicy: 'all' });
  show('answer', data ?? error.errors?.map(({ extensions }) => extensions.code) ?? String(error));
}
const noting = gql`mutation Note { note(what: "rain") }`;
if (!manifest) show('answer', (await client.mutate({ mutation: noting })).data);
