// Subscriptions to Fleetgraph as server-sent events: plain HTTP, one request for each, through any proxy.

import { createClient } from 'graphql-sse';

/**
 * `token()` gives the access token, or a promise of it. It is asked before every connection, so it may change at any
 * time. `watch` subscribes and returns what ends it; a connection that is lost, and one that its token has outlived,
 * comes back by itself and goes on where it was.
 */
export function connect(address, token, options) {
  const cursors = new WeakMap(); // By the request that a subscription sends, and sends again.
  const tokens = new WeakMap();
  const client = createClient({
    url: new URL('/graphql', address).href,
    async headers(request) {
      const current = await token();
      tokens.set(request, current);
      const after = cursors.get(request);
      return { ...(current && { authorization: `Bearer ${current}` }), ...(after && { 'last-event-id': after }) };
    },
    retryAttempts: Infinity,
    ...options,
  });

  /** Whether to go on after a last result: with a fresh token, or behind the cursor that it names. */
  async function goesOn(request, { code, cursor } = {}) {
    if (code === 'RESUME_REQUIRED') cursors.set(request, cursor ?? cursors.get(request));
    return code === 'RESUME_REQUIRED' || (code === 'UNAUTHENTICATED' && (await token()) !== tokens.get(request));
  }

  function watch({ query, variables }, sink) {
    const request = { query, variables };
    let stop = () => {};
    let stopped = false;
    const start = () => {
      let last;
      stop = client.subscribe(request, {
        next(result) {
          last = result.data ? undefined : result;
          if (last) return;
          sink.next(result);
          const [event] = Object.values(result.data);
          if (event?.cursor) cursors.set(request, event.cursor);
        },
        error: (failure) => sink.error(failure),
        async complete() {
          const again = await goesOn(request, last?.errors[0].extensions);
          if (stopped) return;
          if (again) return start();
          if (last) sink.next(last);
          sink.complete();
        },
      });
    };
    start();
    return () => {
      stopped = true;
      stop();
    };
  }

  return { watch, dispose: () => client.dispose() };
}
