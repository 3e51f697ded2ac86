/** The socket for subscriptions: one per signed-in visitor, opened with the first subscription. */

import { createClient, type Client } from 'graphql-ws';
import { GRAPHQL_PATH } from './gateway';

export type LinkState = 'idle' | 'connecting' | 'live';

function socketAddress(): string {
  const address = new URL(GRAPHQL_PATH, window.location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}

/**
 * `authorization` is asked again on every connect, so that a socket the gateway closed with 4403 (the token
 * expired) comes back with a fresh one.
 */
export function openLiveClient(
  authorization: () => Promise<string | null>,
  onState: (state: LinkState) => void,
): Client {
  return createClient({
    url: socketAddress(),
    lazy: true,
    keepAlive: 20_000,
    retryAttempts: 5,
    connectionParams: async () => {
      const value = await authorization();
      return value === null ? {} : { authorization: value };
    },
    on: {
      connecting: () => onState('connecting'),
      connected: () => onState('live'),
      closed: () => onState('idle'),
    },
  });
}

/** graphql-ws reports a lost socket as a CloseEvent; people read errors. */
export function readableFailure(failure: unknown): unknown {
  if (failure instanceof CloseEvent) {
    return new Error(`The live connection was closed: ${failure.code} ${failure.reason || 'without a reason'}`);
  }
  return failure;
}
