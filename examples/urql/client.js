// A urql client for Fleetgraph: HTTP for queries and mutations; a WebSocket or server-sent events for subscriptions,
// which come back by themselves after a lost connection, and go on where they were.

import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import WebSocket from 'ws'; // Browsers and Node 22 have their own.

/**
 * `token()` gives the access token, or a promise of it. It is asked before every connection, so it may change at any
 * time. Subscriptions go over a `socket` or come as `events`.
 */
export function connect(address, token, { subscriptions = 'socket', ...options } = {}) {
  const url = new URL('/graphql', address).href;
  let current;
  const headers = async () => {
    current = await token();
    return current ? { authorization: `Bearer ${current}` } : {};
  };
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

  /** What urql subscribes to. Both libraries send the payload again on every connection, as it is by then. */
  function forwardSubscription({ query, variables }) {
    const payload = { query, variables: { ...variables } };
    const goesOn = async ({ code, cursor } = {}) => {
      if (code === 'RESUME_REQUIRED') payload.variables.after = cursor ?? payload.variables.after;
      // Events end with their token, which a socket does not tell in this way.
      return code === 'RESUME_REQUIRED' || (code === 'UNAUTHENTICATED' && current !== (await token()));
    };

    return {
      subscribe(sink) {
        let stop = () => {};
        let stopped = false;
        const start = () => {
          let last;
          const end = async (failure, tell) => {
            const again = await goesOn(failure?.extensions);
            if (!stopped) (again ? start : tell)();
          };
          stop = wire.subscribe(payload, {
            next(result) {
              last = result.data ? undefined : result;
              if (last) return;
              sink.next(result);
              const [event] = Object.values(result.data);
              if (event?.cursor) payload.variables.after = event.cursor;
            },
            error: (failure) => void end(failure[0], () => sink.error(failure)),
            complete: () =>
              void end(last?.errors[0], () => {
                if (last) sink.next(last);
                sink.complete();
              }),
          });
        };
        start();
        const unsubscribe = () => {
          stopped = true;
          stop();
        };
        return { unsubscribe };
      },
    };
  }

  const client = new Client({
    url,
    fetch: async (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...(await headers()) } }),
    preferGetMethod: false, // By GET, a gateway in production serves registered documents alone.
    exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription })],
  });
  return { client, wire };
}
