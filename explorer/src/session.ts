/** Who is signed in: signs in and out, keeps the access token fresh, and tells whoever listens. */

import {
  authorizationOf,
  loadCredential,
  needsRefresh,
  parsePasted,
  storeCredential,
  type Credential,
  type PersonCredential,
} from './credential';
import { isUnauthenticated, post } from './gateway';
import loginDocument from './operations/login.graphql?raw';
import logoutDocument from './operations/logout.graphql?raw';
import refreshDocument from './operations/refresh-session.graphql?raw';
import viewerDocument from './operations/viewer.graphql?raw';
import { describeViewer, type ViewerAnswer, type ViewerCard } from './viewer';

export interface SessionState {
  readonly status: 'signed-out' | 'restoring' | 'signed-in';
  readonly viewer: ViewerCard | null;
  /** Why the visitor is signed out, when it was not their own wish. */
  readonly notice: string | null;
}

interface SessionPayload {
  readonly session: Omit<PersonCredential, 'kind'> | null;
  readonly userErrors: ReadonlyArray<{ readonly message: string }>;
}

const SIGNED_OUT: SessionState = { status: 'signed-out', viewer: null, notice: null };

export class Session {
  #credential: Credential | null = loadCredential();
  #state: SessionState = this.#credential === null ? SIGNED_OUT : { ...SIGNED_OUT, status: 'restoring' };
  #refreshing: Promise<void> | null = null;
  readonly #listeners = new Set<() => void>();

  /** For React's useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): SessionState => this.#state;

  /** The value of the Authorization header, refreshed first when it is about to expire; null when signed out. */
  readonly authorization = async (): Promise<string | null> => {
    if (this.#credential !== null && needsRefresh(this.#credential)) await this.#refresh(this.#credential);
    return this.#credential === null ? null : authorizationOf(this.#credential);
  };

  /** After a reload of the page: is the stored credential still good? */
  async restore(): Promise<void> {
    try {
      await this.authorization();
      if (this.#credential !== null) await this.#adopt(this.#credential);
    } catch {
      this.#leave('Your session has ended. Please sign in again.');
    }
  }

  async signIn(email: string, password: string): Promise<void> {
    const { answer } = await post<{ login: SessionPayload }>({
      query: loginDocument,
      variables: { input: { email, password } },
    });
    const session = sessionFrom(answer.data?.login, answer.errors?.[0]?.message);
    await this.#adopt({ kind: 'person', ...session });
  }

  async signInWith(pasted: string, kind: 'token' | 'thing'): Promise<void> {
    await this.#adopt(parsePasted(pasted, kind));
  }

  async signOut(): Promise<void> {
    const authorization = this.#credential?.kind === 'person' ? authorizationOf(this.#credential) : null;
    this.#leave(null);
    if (authorization !== null) await post({ query: logoutDocument }, { authorization });
  }

  /** The gateway did not accept the credential: try the refresh token once, else sign out. True: worth asking again. */
  async recover(): Promise<boolean> {
    if (this.#credential === null) return false;
    if (this.#credential.kind === 'person') await this.#refresh(this.#credential);
    else this.#leave('The gateway no longer accepts this key or token.');
    return this.#credential !== null;
  }

  async #adopt(credential: Credential): Promise<void> {
    const viewer = await whoIs(authorizationOf(credential));
    this.#keep(credential);
    this.#announce({ status: 'signed-in', viewer, notice: null });
  }

  /** Several requests that find the token old at once share one refresh: a refresh token works only once. */
  #refresh(credential: PersonCredential): Promise<void> {
    this.#refreshing ??= this.#exchange(credential).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #exchange(credential: PersonCredential): Promise<void> {
    const { answer } = await post<{ refreshSession: SessionPayload }>({
      query: refreshDocument,
      variables: { input: { refreshToken: credential.refreshToken } },
    });
    const session = answer.data?.refreshSession.session;
    if (session) this.#keep({ kind: 'person', ...session });
    else this.#leave('Your session has ended. Please sign in again.');
  }

  #keep(credential: Credential): void {
    this.#credential = credential;
    storeCredential(credential);
  }

  #leave(notice: string | null): void {
    this.#credential = null;
    storeCredential(null);
    this.#announce({ ...SIGNED_OUT, notice });
  }

  #announce(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function sessionFrom(payload: SessionPayload | undefined, problem: string | undefined): Omit<PersonCredential, 'kind'> {
  if (payload?.session) return payload.session;
  throw new Error(payload?.userErrors[0]?.message ?? problem ?? 'The gateway did not answer the sign-in.');
}

async function whoIs(authorization: string): Promise<ViewerCard> {
  const { answer } = await post<ViewerAnswer>({ query: viewerDocument }, { authorization });
  if (isUnauthenticated(answer)) throw new Error('The gateway does not accept this key or token.');
  const viewer = describeViewer(answer.data);
  if (viewer === null) throw new Error(answer.errors?.[0]?.message ?? 'The gateway does not know who you are.');
  return viewer;
}
