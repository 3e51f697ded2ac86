// Subscriptions to Fleetgraph over a WebSocket that comes back by itself, and goes on where it was.

import { createClient } from 'graphql-ws';
import WebSocket from 'ws'; // Browsers and Node 22 have their own.

/**
 * `token()` gives the access token, or a promise of it. It is asked before every connection, so it may change at any
 * time; the gateway closes a socket whose token has ended, and the client opens another one.
 */
export function connect(address, token, options) {
  return createClient({
    url: new URL('/graphql', address).href.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    async connectionParams() {
      const current = await token();
      return current ? { authorization: `Bearer ${current}` } : {};
    },
    retryAttempts: Infinity,
    ...options,
  });
}

/** Subscribes with a document that takes `$after`, and returns what ends it. */
export function watch(client, { query, variables }, sink) {
  const payload = { query, variables: { ...variables } };
  return client.subscribe(payload, {
    ...sink,
    next(result) {
      sink.next(result);
      // The client sends the payload again on every connection, as it is by then.
      const [event] = Object.values(result.data ?? {});
      if (event?.cursor) payload.variables.after = event.cursor;
    },
  });
}
