// A urql client for Fleetgraph: HTTP for queries and mutations; a WebSocket or server-sent events for subscriptions,
// which come back by themselves after a lost connection, and go on where they were.

import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import WebSocket from 'ws'; // Browsers and Node 22 have their own.

/**
 * `token()` is asked before every request and every connection, so it may change at any time. Subscriptions go over a
 * `socket` or come as `events`.
 */
export function connect(address, token, { subscriptions = 'socket', ...options } = {}) {
  const url = new URL('/graphql', address).href;
  const headers = () => (token() ? { authorization: `Bearer ${token()}` } : {});
  const wire =
    subscriptions === 'events'
      ? createEvents({ url, headers, retryAttempts: Infinity, ...options })
      : createSocket({
          url: url.replace(/^http/, 'ws'),
          webSocketImpl: WebSocket,
          connectionParams: headers,
          retryAttempts: Infinity,
          ...options,
        });

  const client = new Client({
    url,
    fetchOptions: () => ({ headers: headers() }),
    preferGetMethod: false, // By GET, a gateway in production serves registered documents alone.
    exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription: (request) => forward(wire, request) })],
  });
  return { client, wire };
}

/** What urql subscribes to. Both libraries send the payload again on every connection, as it is by then. */
function forward(wire, { query, variables }) {
  const payload = { query, variables: { ...variables } };
  return {
    subscribe(sink) {
      const unsubscribe = wire.subscribe(payload, {
        ...sink,
        next(result) {
          sink.next(result);
          const [event] = Object.values(result.data ?? {});
          if (event?.cursor) payload.variables.after = event.cursor;
        },
      });
      return { unsubscribe };
    },
  };
}
