/** One request to the gateway over HTTP. */

const endpoint = new URL(import.meta.env.VITE_GRAPHQL_URL ?? '/graphql', window.location.href);

export const HTTP_URL = endpoint.href;
export const SOCKET_URL = endpoint.href.replace(/^http/, 'ws');

export interface Problem {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly cursor?: string };
}

interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly Problem[];
}

/** What a whole request failed on. What the caller can correct comes as `userErrors` in the data instead. */
export class RequestFailed extends Error {
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map((problem) => problem.message).join(' '));
  }

  has(code: string): boolean {
    return this.problems.some((problem) => problem.extensions?.code === code);
  }
}

/** Returns `data`; throws RequestFailed with the errors of the answer, and TypeError when nobody answers. */
export async function post<Data>(query: string, variables: object = {}, authorization?: string): Promise<Data> {
  const response = await fetch(HTTP_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const { data, errors } = readAnswer<Data>(text) ?? {};
  if (errors !== undefined) throw new RequestFailed(errors);
  // A proxy's page, or nothing: the gateway is not there.
  if (data === undefined || data === null) throw new TypeError(`The gateway does not answer (HTTP ${response.status}).`);
  return data;
}

function readAnswer<Data>(text: string): Answer<Data> | null {
  try {
    return JSON.parse(text) as Answer<Data> | null;
  } catch {
    return null;
  }
}
