/** What proves who is asking, and where it is kept: in this tab only, gone when the tab is closed. */

export interface PersonCredential {
  readonly kind: 'person';
  readonly accessToken: string;
  readonly refreshToken: string;
  /** RFC 3339, end of the access token. */
  readonly expiresAt: string;
}

export interface TokenCredential {
  readonly kind: 'token';
  readonly accessToken: string;
}

export interface ThingCredential {
  readonly kind: 'thing';
  readonly key: string;
}

export type Credential = PersonCredential | TokenCredential | ThingCredential;

/** An access token with less than this left is refreshed before it is used. */
const REFRESH_MARGIN_MS = 60_000;
const STORAGE_KEY = 'fleetgraph.credential';

export function authorizationOf(credential: Credential): string {
  return credential.kind === 'thing' ? `Thing ${credential.key}` : `Bearer ${credential.accessToken}`;
}

export function needsRefresh(credential: Credential, now: number = Date.now()): credential is PersonCredential {
  return credential.kind === 'person' && Date.parse(credential.expiresAt) - now < REFRESH_MARGIN_MS;
}

/** Accepts what people have on their clipboard: a bare token or key, or the whole header value. */
export function parsePasted(text: string, kind: 'token' | 'thing'): TokenCredential | ThingCredential {
  const [, scheme, rest] = /^(?:authorization:\s*)?(?:(bearer|thing)\s+)?(\S+)$/i.exec(text.trim()) ?? [];
  if (rest === undefined) throw new Error('Paste one token or key, without spaces inside.');
  const meant = scheme === undefined ? kind : scheme.toLowerCase() === 'thing' ? 'thing' : 'token';
  return meant === 'thing' ? { kind: 'thing', key: rest } : { kind: 'token', accessToken: rest };
}

export function loadCredential(): Credential | null {
  const stored = sessionStorage.getItem(STORAGE_KEY);
  return stored === null ? null : (JSON.parse(stored) as Credential);
}

export function storeCredential(credential: Credential | null): void {
  if (credential === null) sessionStorage.removeItem(STORAGE_KEY);
  else sessionStorage.setItem(STORAGE_KEY, JSON.stringify(credential));
}
