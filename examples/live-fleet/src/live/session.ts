/** Who is signed in. Keeps the access token fresh, for HTTP and for the socket alike. */

import loginDocument from '../operations/login.graphql?raw';
import logoutDocument from '../operations/logout.graphql?raw';
import refreshDocument from '../operations/refresh-session.graphql?raw';
import { post, RequestFailed } from './gateway';

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: string;
}

interface SessionPayload {
  readonly session: Tokens | null;
  readonly userErrors: ReadonlyArray<{ readonly message: string }>;
}

/** The gateway does not know this session any more; only signing in helps. */
export class SessionEnded extends Error {
  constructor() {
    super('Your session has ended. Please sign in again.');
  }
}

interface Kept {
  readonly tokens: Tokens;
  /** When the access token should be replaced, by our clock, in milliseconds. */
  readonly freshUntil: number;
}

const STORED_AS = 'fleetgraph-live-fleet';
/** An access token is replaced this long before its end, or in the last quarter of a short life. */
const MARGIN_MS = 20_000;
/** How long we trust a token that by our clock has ended before it came: our clock is wrong then. */
const UNKNOWN_LIFE_MS = 60_000;

export class Session {
  #kept: Kept;
  #refreshing: Promise<void> | null = null;
  /** Called once, when the session has ended without our asking for it. */
  onEnd: (reason: string) => void = () => {};

  private constructor(kept: Kept) {
    this.#kept = kept;
  }

  static async signIn(email: string, password: string): Promise<Session> {
    const { login } = await post<{ login: SessionPayload }>(loginDocument, { input: { email, password } });
    if (login.session === null) throw new Error(login.userErrors.map((problem) => problem.message).join(' '));
    return new Session(keep(login.session));
  }

  /** The session of this browser tab before it was reloaded. */
  static restore(): Session | null {
    const stored = sessionStorage.getItem(STORED_AS);
    return stored === null ? null : new Session(JSON.parse(stored) as Kept);
  }

  async signOut(): Promise<void> {
    sessionStorage.removeItem(STORED_AS);
    await post(logoutDocument, {}, this.#authorization);
  }

  /** Milliseconds until the access token should be replaced. */
  get freshFor(): number {
    return Math.max(0, this.#kept.freshUntil - Date.now());
  }

  get #authorization(): string {
    return `Bearer ${this.#kept.tokens.accessToken}`;
  }

  /** The value of the Authorization header. Throws SessionEnded, and TypeError when nobody answers. */
  async authorization(): Promise<string> {
    if (this.freshFor === 0 || this.#refreshing !== null) await this.refresh();
    return this.#authorization;
  }

  /** New tokens. All who find the token old at once share one request: a refresh token is good for one use. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#exchange().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** `data` of an operation over HTTP, asked again with a fresh token when the gateway does not take this one. */
  async ask<Data>(query: string, variables: object = {}): Promise<Data> {
    try {
      return await post<Data>(query, variables, await this.authorization());
    } catch (failure) {
      if (!(failure instanceof RequestFailed && failure.has('UNAUTHENTICATED'))) throw failure;
      await this.refresh();
      return post<Data>(query, variables, await this.authorization());
    }
  }

  async #exchange(): Promise<void> {
    const input = { refreshToken: this.#kept.tokens.refreshToken };
    const { refreshSession } = await post<{ refreshSession: SessionPayload }>(refreshDocument, { input });
    if (refreshSession.session === null) {
      sessionStorage.removeItem(STORED_AS);
      const ended = new SessionEnded();
      this.onEnd(ended.message);
      throw ended;
    }
    this.#kept = keep(refreshSession.session);
  }
}

/** Notes the tokens for a reload of the page, in this tab alone. */
function keep(tokens: Tokens): Kept {
  const life = Date.parse(tokens.expiresAt) - Date.now();
  const trusted = life > 0 ? life - Math.min(MARGIN_MS, life / 4) : UNKNOWN_LIFE_MS;
  const kept = { tokens, freshUntil: Date.now() + trusted };
  sessionStorage.setItem(STORED_AS, JSON.stringify(kept));
  return kept;
}
