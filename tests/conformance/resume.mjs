// Watches a thing with one of the clients of examples/, which are the ones to copy from, and prints a JSON line for each
// event, and for what became of a second operation. Ends when the thing reports that it should.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const [name, way, address, tokens, thing] = process.argv.slice(2);
if (!thing) {
  console.error('usage: node resume.mjs CLIENT WAY ADDRESS FILE_WITH_TOKEN THING');
  process.exit(2);
}
const folder = new URL(`../../examples/${name}/`, import.meta.url);
const { connect, watch } = await import(new URL('client.js', folder));
const require = createRequire(folder);

const WAIT_MS = 100;
const soon = () => new Promise((resolve) => setTimeout(resolve, WAIT_MS));
const authorized = () => readFile(tokens, 'utf-8');
const show = (what, value) => console.log(JSON.stringify({ what, value }));
const codes = (failure) => [failure].flat().map(({ extensions, message }) => extensions?.code ?? message ?? null);

const WATCH = `subscription Watch($scope: EventScopeInput, $after: String) {
  thingStateChanged(scope: $scope, after: $after) { cursor version patch }
}`;
const WRONG = 'subscription Wrong { thingStateChanged(after: "no cursor") { cursor } }';
const variables = { scope: { thingIds: [thing] } };

/** Each returns `subscribe(query, variables, next, failed)`, which returns what ends it, and `close()`. */
const CLIENTS = {
  'graphql-ws'() {
    const socket = connect(address, authorized, { retryWait: soon });
    return byWire((operation, sink) => watch(socket, operation, sink), socket);
  },
  'graphql-sse'() {
    const events = connect(address, authorized, { retry: soon });
    return byWire(events.watch, events);
  },
  'apollo-client'() {
    const { gql } = require('@apollo/client');
    const { client, socket } = connect(address, authorized, { subscriptions: way, retryMilliseconds: WAIT_MS });
    return {
      subscribe(query, given, next, failed) {
        const subscription = client.subscribe({ query: gql(query), variables: given }).subscribe({
          next: ({ data, error }) => (error ? failed(codes(error.errors ?? error)) : next(data)),
          error: (error) => failed(codes(error.errors ?? error)),
        });
        return () => subscription.unsubscribe();
      },
      async close() {
        client.stop();
        await socket.dispose();
      },
    };
  },
  urql() {
    const { client, wire } = connect(address, authorized, { subscriptions: way, retry: soon, retryWait: soon });
    return {
      subscribe(query, given, next, failed) {
        // When an operation has ended, urql gives its last result again, to say that there will be no other.
        let last;
        const { unsubscribe } = client.subscription(query, given).subscribe(({ data, error }) => {
          const result = JSON.stringify(error ? codes(error.graphQLErrors) : data);
          if (result === last) return;
          last = result;
          if (error) failed(codes(error.graphQLErrors));
          else next(data);
        });
        return unsubscribe;
      },
      close: () => wire.dispose(),
    };
  },
};

function byWire(start, wire) {
  return {
    subscribe: (query, given, next, failed) =>
      start({ query, variables: given }, {
        next: ({ data, errors }) => (errors ? failed(codes(errors)) : next(data)),
        error: (failure) => failed(codes(failure)),
        complete: () => {},
      }),
    close: () => wire.dispose(),
  };
}

const { subscribe, close } = CLIENTS[name]();
let wrong = null;
const stop = subscribe(
  WATCH,
  variables,
  async ({ thingStateChanged: { version, patch } }) => {
    show('event', version);
    wrong ??= subscribe(WRONG, {}, () => show('not refused'), (found) => show('refused', found));
    if (patch.stop) {
      stop();
      wrong();
      await close();
    }
  },
  (found) => show('failed', found),
);
