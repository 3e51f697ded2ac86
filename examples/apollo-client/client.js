// An Apollo client for Fleetgraph: HTTP for queries and mutations, a WebSocket or HTTP for subscriptions, one token for
// all of them. Subscriptions come back by themselves after a lost connection, and go on where they were.

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, ServerError } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { RetryLink } from '@apollo/client/link/retry';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { tap } from 'rxjs';
import WebSocket from 'ws'; // Browsers and Node 22 have their own.

globalThis.WebSocket ??= WebSocket; // GraphQLWsLink looks at it to tell errors apart.

/** Puts the cursor of each event into the variables of its operation, which are sent again when it is tried again. */
const goOn = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    tap(({ data }) => {
      const [event] = Object.values(data ?? {});
      if (event?.cursor) operation.variables.after = event.cursor;
    }),
  ),
);

/** What the gateway does not take now, it will not take later; but it may be busy, or stop. */
const isWorthAnotherTry = (error) => !ServerError.is(error) || error.statusCode === 429 || error.statusCode >= 500;

/**
 * `token()` gives the access token, or a promise of it. It is asked before every request and every connection, so it
 * may change at any time. Subscriptions go over a socket, or over `http` as multipart answers, which need no further
 * package.
 */
export function connect(address, token, { subscriptions = 'socket', retryMilliseconds = 500 } = {}) {
  const url = new URL('/graphql', address).href;

  const authorization = async () => {
    const current = await token();
    return current ? { authorization: `Bearer ${current}` } : {};
  };
  const headers = new SetContextLink(async ({ headers }) => ({ headers: { ...headers, ...(await authorization()) } }));
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: authorization,
    retryAttempts: Infinity,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, retryMilliseconds * (1 + Math.random()))),
  });
  const http = headers.concat(new HttpLink({ uri: url }));
  const retry = new RetryLink({
    attempts: { max: Infinity, retryIf: isWorthAnotherTry },
    delay: { initial: retryMilliseconds, max: 30_000, jitter: true },
  });

  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      subscriptions === 'http' ? ApolloLink.from([retry, goOn, http]) : goOn.concat(new GraphQLWsLink(socket)),
      http,
    ),
    // A state has no id: it is part of its thing, and newer fields of it join the ones already there.
    cache: new InMemoryCache({ typePolicies: { ThingState: { merge: true } } }),
  });
  return { client, socket };
}
