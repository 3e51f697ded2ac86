// An Apollo client for Fleetgraph: HTTP for queries and mutations, a WebSocket for subscriptions, one token for both.

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws'; // Browsers and Node 22 have their own.

/** `token()` is asked before every request and every connection, so it may change at any time. */
export function connect(address, token) {
  const url = new URL('/graphql', address).href;

  const headers = new SetContextLink(({ headers }) => ({
    headers: { ...headers, ...(token() && { authorization: `Bearer ${token()}` }) },
  }));
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: () => (token() ? { authorization: `Bearer ${token()}` } : {}),
  });

  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      headers.concat(new HttpLink({ uri: url })),
    ),
    // A state has no id: it is part of its thing, and newer fields of it join the ones already there.
    cache: new InMemoryCache({ typePolicies: { ThingState: { merge: true } } }),
  });
  return { client, socket };
}
