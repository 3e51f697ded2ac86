// Subscriptions to Fleetgraph as server-sent events: plain HTTP, one request for each, through any proxy.

import { createClient } from 'graphql-sse';

const cursors = new WeakMap(); // By the request that a subscription sends, and sends again.

/** `token()` is asked before every connection, so it may change at any time. */
export function connect(address, token, options) {
  return createClient({
    url: new URL('/graphql', address).href,
    headers: (request) => ({
      ...(token() && { authorization: `Bearer ${token()}` }),
      ...(cursors.has(request) && { 'last-event-id': cursors.get(request) }),
    }),
    retryAttempts: Infinity,
    ...options,
  });
}

/** Subscribes, and returns what ends it; a lost connection comes back by itself and goes on where it was. */
export function watch(client, { query, variables }, sink) {
  const request = { query, variables };
  return client.subscribe(request, {
    ...sink,
    next(result) {
      sink.next(result);
      const [event] = Object.values(result.data ?? {});
      if (event?.cursor) cursors.set(request, event.cursor);
    },
  });
}
