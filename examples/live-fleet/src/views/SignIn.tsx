import { useState, type FormEvent } from 'react';
import { Session } from '../live/session';
import { Logo } from './Logo';

interface SignInProps {
  readonly notice: string | null;
  readonly onSession: (session: Session) => Promise<void>;
}

/** The people of the demo fleet: `demo/people.py`. All have the same password; each sees a different part. */
const PEOPLE = [
  ['demo@example.com', 'Dana Example, owner of everything'],
  ['mira.okafor@example.com', 'Mira Okafor, viewer of everything'],
  ['lena.fischer@example.com', 'Lena Fischer, the northern region'],
  ['tomas.lind@example.com', 'Tomas Lind, the southern region'],
  ['priya.raman@example.com', 'Priya Raman, Harbour Cold Store'],
  ['nadia.costa@example.com', 'Nadia Costa, Station Bike Hub and Old Town Markets'],
] as const;

export function SignIn({ notice, onSession }: SignInProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(notice);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      await onSession(await Session.signIn(String(form.get('email')), String(form.get('password'))));
    } catch (failure) {
      setProblem(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <form className="panel" onSubmit={(event) => void submit(event)}>
        <h1>
          <Logo /> Live fleet
        </h1>
        <label>
          E-mail
          <input name="email" type="email" list="people" autoComplete="username" required defaultValue={PEOPLE[0][0]} />
        </label>
        <datalist id="people">
          {PEOPLE.map(([email, name]) => <option key={email} value={email}>{name}</option>)}
        </datalist>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required autoFocus />
        </label>
        {problem !== null && <p className="problem" role="alert">{problem}</p>}
        <button type="submit" className="primary" disabled={busy}>{busy ? 'One moment…' : 'Sign in'}</button>
        <p className="quiet">The demo’s password is <code>fleetgraph-demo</code>, for each of its people.</p>
      </form>
    </main>
  );
}
