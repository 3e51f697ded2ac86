/** Three ways in: e-mail and password, a pasted access token, a thing's key; and one click for the demo fleet. */

import { useState, type FormEvent } from 'react';
import type { ExplorerConfig } from './config';
import { Popover } from './Popover';
import type { Session } from './session';

type Way = 'person' | 'token' | 'thing';

const WAYS: ReadonlyArray<readonly [Way, string]> = [
  ['person', 'Password'],
  ['token', 'Token'],
  ['thing', 'Thing key'],
];

interface SignInProps {
  readonly session: Session;
  readonly demo: ExplorerConfig['demo'];
  readonly notice: string | null;
}

export function SignIn({ session, demo, notice }: SignInProps) {
  const [way, setWay] = useState<Way>('person');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(notice);

  async function attempt(enter: () => Promise<void>): Promise<void> {
    setBusy(true);
    setProblem(null);
    try {
      await enter();
    } catch (failure) {
      setProblem(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  }

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string): string => String(form.get(name) ?? '');
    void attempt(() =>
      way === 'person'
        ? session.signIn(field('email'), field('password'))
        : session.signInWith(field('secret'), way),
    );
  }

  return (
    <Popover label="Sign in" title="Sign in" buttonClass="fg-button" initiallyOpen>
      <h2>Sign in</h2>
      <div className="fg-ways" role="tablist">
        {WAYS.map(([key, name]) => (
          <button key={key} type="button" role="tab" aria-selected={way === key} onClick={() => setWay(key)}>
            {name}
          </button>
        ))}
      </div>
      <form onSubmit={submit}>
        {way === 'person' ? <PersonFields /> : <SecretField key={way} way={way} />}
        {problem !== null && (
          <p className="fg-problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="fg-button fg-button-wide" disabled={busy}>
          {busy ? 'One moment…' : 'Sign in'}
        </button>
      </form>
      {demo !== null && (
        <div className="fg-demo">
          <button
            type="button"
            className="fg-button fg-button-quiet fg-button-wide"
            disabled={busy}
            onClick={() => void attempt(() => session.signIn(demo.email, demo.password))}
          >
            Explore the demo fleet
          </button>
          <p>Signs in as {demo.email}. Kept in this browser tab only.</p>
        </div>
      )}
    </Popover>
  );
}

function PersonFields() {
  return (
    <>
      <label>
        E-mail
        <input name="email" type="email" autoComplete="username" required autoFocus />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
    </>
  );
}

function SecretField({ way }: { readonly way: 'token' | 'thing' }) {
  return (
    <label>
      {way === 'token' ? 'Access token' : 'Secret key of the thing'}
      <input name="secret" type="password" autoComplete="off" spellCheck={false} required autoFocus />
    </label>
  );
}
