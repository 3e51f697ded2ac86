/** One request to the gateway over HTTP: what was asked, what came back, how long it took. */

export interface GraphQLProblem {
  readonly message: string;
  readonly path?: ReadonlyArray<string | number>;
  readonly extensions?: { readonly code?: string; readonly [key: string]: unknown };
}

export interface GraphQLAnswer<Data = unknown> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLProblem[];
}

export interface GraphQLRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  readonly operationName?: string | null | undefined;
}

export interface Exchange<Data = unknown> {
  readonly answer: GraphQLAnswer<Data>;
  readonly status: number;
  readonly milliseconds: number;
  /** Size of the decoded answer in bytes. */
  readonly bytes: number;
}

export const GRAPHQL_PATH = '/graphql';

/** Answers that are not GraphQL (a proxy's error page, an empty body) become an Error that says what arrived. */
function parseAnswer<Data>(text: string, response: Response): GraphQLAnswer<Data> {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === 'object' && answer !== null) return answer as GraphQLAnswer<Data>;
  } catch {
    // Said below, with the status, which tells more than the parser's message.
  }
  throw new Error(`The gateway answered ${response.status} ${response.statusText} and no GraphQL result.`);
}

export async function post<Data>(
  request: GraphQLRequest,
  headers: Readonly<Record<string, string>> = {},
): Promise<Exchange<Data>> {
  const started = performance.now();
  const response = await fetch(GRAPHQL_PATH, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(request),
  });
  const text = await response.text();
  return {
    answer: parseAnswer<Data>(text, response),
    status: response.status,
    milliseconds: performance.now() - started,
    bytes: new Blob([text]).size,
  };
}

/** True when the gateway no longer knows who is asking. */
export function isUnauthenticated(answer: GraphQLAnswer): boolean {
  return answer.errors?.some((problem) => problem.extensions?.code === 'UNAUTHENTICATED') ?? false;
}
