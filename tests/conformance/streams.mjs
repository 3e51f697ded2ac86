// Speaks to a gateway over HTTP streams with clients as they come, loaded from the npm projects of examples/: npm
// `graphql-sse`, urql's own fetch exchange, and the HTTP link of Apollo Client. Prints one JSON line for each thing seen.
import { createRequire } from 'node:module';

const [url, authorization] = process.argv.slice(2);
if (!url) {
  console.error('usage: node streams.mjs http://127.0.0.1:8000/graphql "Bearer ..."');
  process.exit(2);
}
const of = (example) => createRequire(new URL(`../../examples/${example}/`, import.meta.url));
const show = (what, value) => console.log(JSON.stringify({ what, value }));
const TICKS = 'subscription { ticks(count: 3) { number } }';
const WRONG = '{ nothing }';
const GATED = 'subscription { gated(gate: "never") { number } }';

{
  const { createClient } = of('graphql-sse')('graphql-sse');
  const client = createClient({ url, headers: { authorization }, retryAttempts: 0 });
  const collect = async (query) => {
    const results = [];
    for await (const result of client.iterate({ query })) results.push(result);
    return results;
  };
  show('sse query', await collect('{ whoami }'));
  show('sse mutation', await collect('mutation { note(what: "rain") }'));
  show('sse subscription', await collect(TICKS));
  show('sse refused', (await collect(WRONG)).map(({ errors }) => errors[0].extensions.code));
  const left = client.iterate({ query: GATED });
  show('sse first of many', (await left.next()).value);
  await left.return();
  const stranger = createClient({ url, headers: { authorization: 'Bearer mallory' }, retryAttempts: 0 });
  const strange = stranger.iterate({ query: TICKS }).next();
  show('sse stranger', await strange.catch(({ response }) => response.status));
}

{
  const { Client, fetchExchange } = of('urql')('@urql/core');
  const client = new Client({
    url,
    fetchOptions: { headers: { authorization } },
    fetchSubscriptions: true,
    preferGetMethod: false,
    exchanges: [fetchExchange],
  });
  show('urql query', (await client.query('{ whoami }', {})).data);
  const numbers = new Set();
  await new Promise((done) => {
    client.subscription(TICKS, {}).subscribe(({ data, hasNext }) => {
      numbers.add(data.ticks.number);
      if (!hasNext) done();
    });
  });
  show('urql subscription', [...numbers]);
}

{
  const { ApolloClient, HttpLink, InMemoryCache, gql } = of('apollo-client')('@apollo/client');
  const link = new HttpLink({ uri: url, headers: { authorization } });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const collect = (query) =>
    new Promise((done) => {
      const results = [];
      client.subscribe({ query: gql(query) }).subscribe({
        next: ({ data, error }) => results.push(error ? error.errors.map(({ extensions }) => extensions.code) : data),
        complete: () => done(results),
      });
    });
  show('apollo query', (await client.query({ query: gql('{ whoami }') })).data);
  show('apollo subscription', await collect(TICKS));
  show('apollo refused', await collect('subscription { expired { number } }'));
}
