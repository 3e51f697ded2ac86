/** How GraphiQL reaches the gateway: queries and mutations over HTTP, subscriptions over the socket. */

import type { Fetcher, FetcherParams, Observable } from '@graphiql/toolkit';
import type { Client } from 'graphql-ws';
import { Kind, OperationTypeNode, parse, type ExecutionResult, type OperationDefinitionNode } from 'graphql';
import type { ActivityLog } from './activity';
import { isUnauthenticated, post, type Exchange, type GraphQLRequest } from './gateway';
import { readableFailure } from './live';
import type { Session } from './session';

const INTROSPECTION = 'IntrospectionQuery';

interface Observer {
  next(result: ExecutionResult): void;
  error(failure: unknown): void;
  complete(): void;
}

type Headers = Readonly<Record<string, string>>;

export function createFetcher(session: Session, live: Client, activity: ActivityLog): Fetcher {
  return (asked, options) => {
    const { params, type } = resolveOperation(asked);
    if (type === OperationTypeNode.SUBSCRIPTION) return follow(live, params, activity);
    return ask(session, params, options?.headers ?? {}, activity);
  };
}

/**
 * Which operation of the document is meant. GraphiQL names it a moment late: right after a change of tabs it
 * still says the name of the tab before. A document that does not parse goes to the gateway, which says why.
 */
function resolveOperation(params: FetcherParams): { params: FetcherParams; type: OperationTypeNode | null } {
  const operations = operationsOf(params.query);
  const named = operations.find((operation) => operation.name?.value === params.operationName);
  const [only] = operations.length === 1 ? operations : [];
  const chosen = named ?? only;
  if (!chosen) return { params, type: null };
  return { params: { ...params, operationName: chosen.name?.value ?? null }, type: chosen.operation };
}

function operationsOf(text: string): OperationDefinitionNode[] {
  try {
    return parse(text).definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  } catch {
    return [];
  }
}

async function ask(session: Session, params: FetcherParams, headers: Headers, activity: ActivityLog) {
  let exchange = await send(session, params, headers);
  const ownAuthorization = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  if (isUnauthenticated(exchange.answer) && !ownAuthorization && (await session.recover())) {
    exchange = await send(session, params, headers);
  }
  // GraphiQL reads the schema with the same fetcher; that is not what the visitor asked for.
  if (params.operationName !== INTROSPECTION) {
    activity.update({ events: 0, last: { ...exchange, ok: exchange.answer.errors === undefined } });
  }
  // GraphiQL's type of a result is that of graphql-js; what arrives over HTTP is its JSON form.
  return exchange.answer as ExecutionResult;
}

/** A header written in the Headers pane wins over the session. */
async function send(session: Session, params: FetcherParams, headers: Headers): Promise<Exchange> {
  const authorization = await session.authorization();
  const request: GraphQLRequest = {
    query: params.query,
    variables: params.variables,
    operationName: params.operationName,
  };
  return post(request, { ...(authorization === null ? {} : { authorization }), ...headers });
}

function follow(live: Client, params: FetcherParams, activity: ActivityLog): Observable<ExecutionResult> {
  activity.update({ events: 0, last: null });
  const variables: Record<string, unknown> = { ...params.variables };
  const request = { query: params.query, variables, operationName: params.operationName };
  const subscribe = (observer: Observer) => ({
    unsubscribe: live.subscribe(request, {
      next(result) {
        activity.countEvent();
        // A connection that comes back sends the request again: a document that takes `$after` goes on where it was.
        variables.after = cursorOf(result.data) ?? variables.after;
        observer.next(result as ExecutionResult);
      },
      error: (failure) => observer.error(readableFailure(failure)),
      complete: () => observer.complete(),
    }),
  });
  // GraphiQL calls `subscribe` with an observer only; the older forms of its type are not served.
  return { subscribe } as Observable<ExecutionResult>;
}

function cursorOf(data: unknown): string | undefined {
  const [event] = Object.values((data ?? {}) as Record<string, { cursor?: string } | null>);
  return event?.cursor;
}
