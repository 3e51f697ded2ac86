/** One WebSocket for all subscriptions of the page: it comes back by itself, and says how it is. */

import { createClient, type Client } from 'graphql-ws';
import { SOCKET_URL } from './gateway';
import { SessionEnded, type Session } from './session';

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** `since`: when the socket was lost, in milliseconds. `attempt`: 1 for the first try to get it back. */
  | { readonly state: 'reconnecting'; readonly since: number; readonly attempt: number };

const TOKEN_ENDED = 4403;
const SILENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 8_000;
const SOON_MS = 1_000;

export function connect(session: Session, onLink: (link: Link) => void): Client {
  let lostAt: number | null = null;
  let attempt = 0;
  let renewal: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket | null = null;

  /** A socket does not outlive its token. A ping with a fresh one prolongs it, and nothing is interrupted. */
  function renewLater(): void {
    renewal = setTimeout(() => {
      session
        .authorization()
        .then((authorization) => {
          socket?.send(JSON.stringify({ type: 'ping', payload: { authorization } }));
          renewLater();
        })
        // Nobody answers, or the session has ended: the gateway will close the socket with 4403, and we go on from there.
        .catch(() => undefined);
    }, session.freshFor + SOON_MS);
  }

  const client = createClient({
    url: SOCKET_URL,
    // Asked anew for every connection, so that a socket that was closed with 4403 comes back with a fresh token.
    connectionParams: async () => ({ authorization: await session.authorization() }),
    keepAlive: SILENCE_MS,
    lazyCloseTimeout: SOON_MS,
    retryAttempts: Infinity,
    shouldRetry: (failure) => !(failure instanceof SessionEnded),
    retryWait: (retries) => untilNextAttempt(retries),
    on: {
      opened: (opened) => {
        socket = opened instanceof WebSocket ? opened : null;
      },
      connecting: () => {
        attempt += 1;
        onLink(lostAt === null ? { state: 'connecting' } : { state: 'reconnecting', since: lostAt, attempt });
      },
      connected: () => {
        lostAt = null;
        attempt = 0;
        onLink({ state: 'live' });
        renewLater();
      },
      // A network that is gone closes nothing: a ping without its pong does.
      ping: (received) => {
        if (!received) silence = setTimeout(() => client.terminate(), SILENCE_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(silence);
      },
      closed: (event) => {
        clearTimeout(renewal);
        clearTimeout(silence);
        lostAt ??= Date.now();
        onLink({ state: 'reconnecting', since: lostAt, attempt });
        // A token that the gateway no longer takes may look good to us: our clock may be wrong.
        if (event instanceof CloseEvent && event.code === TOKEN_ENDED) session.refresh().catch(() => undefined);
      },
    },
  });
  return client;
}

/** Waits half a second, then longer and longer; at once when the browser finds its network again. */
function untilNextAttempt(retries: number): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** retries);
  return new Promise((resolve) => {
    const go = (): void => {
      clearTimeout(timer);
      window.removeEventListener('online', go);
      resolve();
    };
    // Everybody reconnects when a gateway restarts: not all at the same moment.
    const timer = setTimeout(go, longest * (0.5 + Math.random() / 2));
    window.addEventListener('online', go);
  });
}
