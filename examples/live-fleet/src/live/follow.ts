/** A subscription that loses nothing: it goes on from the last event that was handled, whatever happens to its socket. */

import type { Client } from 'graphql-ws';
import type { Problem } from './gateway';
import type { Session } from './session';

export interface LogEvent {
  /** The place of the event in the log. */
  readonly cursor: string;
  readonly occurredAt: string;
}

export interface Following<Event extends LogEvent> {
  readonly document: string;
  /** The field of the document's root that holds the event. */
  readonly field: string;
  readonly scope: object;
  /** Replay what happened behind this cursor first; null for what happens from now on. */
  readonly after: string | null;
  readonly onEvent: (event: Event) => void;
  /** The log no longer reaches back to our cursor: read the present state anew. */
  readonly onExpired: () => void;
  readonly onProblem: (message: string) => void;
}

const PAUSE_MS = 3_000;

/** Returns the function that ends it. */
export function follow<Event extends LogEvent>(
  client: Client,
  session: Session,
  { document, field, scope, after, onEvent, onExpired, onProblem }: Following<Event>,
): () => void {
  // graphql-ws sends this object whenever it has to connect again: `after` is then that of the last event.
  const variables = { scope, after };
  let unsubscribe = (): void => {};
  let pause: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  function start(): void {
    if (ended) return;
    unsubscribe = client.subscribe<Record<string, Event>>(
      { query: document, variables },
      {
        next: ({ data, errors }) => {
          const event = data?.[field];
          if (event === undefined) {
            onProblem(errors?.[0]?.message ?? 'An event came without data.');
            return;
          }
          onEvent(event);
          variables.after = event.cursor; // Handled, so that it need not come again.
        },
        error: (failure) => stopped(Array.isArray(failure) ? (failure as Problem[])[0] : undefined),
        complete: startLater,
      },
    );
  }

  function startLater(): void {
    if (!ended) pause = setTimeout(start, PAUSE_MS);
  }

  /** The gateway has ended the subscription with an error, or (without one) graphql-ws has given up the socket. */
  function stopped(problem: Problem | undefined): void {
    if (ended) return;
    switch (problem?.extensions?.code) {
      case 'RESUME_REQUIRED':
        // We read too slowly, and the gateway does not keep more for us. Nothing is lost: it says where to go on.
        variables.after = problem.extensions.cursor ?? variables.after;
        start();
        return;
      case 'CURSOR_EXPIRED':
        onExpired();
        return;
      case 'UNAUTHENTICATED':
        session.refresh().then(start, startLater);
        return;
      case undefined:
        startLater();
        return;
      default:
        onProblem(problem?.message ?? 'The subscription was ended.');
        startLater();
    }
  }

  start();
  return () => {
    ended = true;
    clearTimeout(pause);
    unsubscribe();
  };
}
