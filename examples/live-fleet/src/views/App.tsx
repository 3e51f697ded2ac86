import { useCallback, useEffect, useState } from 'react';
import { LiveFleet } from '../fleet/live';
import { readPlaces } from '../fleet/reading';
import type { Places } from '../fleet/types';
import { Session } from '../live/session';
import { Dashboard } from './Dashboard';
import { SignIn } from './SignIn';

interface Visit {
  readonly session: Session;
  readonly live: LiveFleet;
  readonly places: Places;
}

/** Signed out: the form. Signed in: what the fleet is arranged by is read first, then everything is live. */
export function App() {
  const [visit, setVisit] = useState<Visit | null>(null);
  const [restoring, setRestoring] = useState(true);
  const [notice, setNotice] = useState<string | null>(null);

  const enter = useCallback(async (session: Session): Promise<void> => {
    const places = await readPlaces(session);
    const live = new LiveFleet(session);
    session.onEnd = (reason) => {
      live.dispose();
      setNotice(reason);
      setVisit(null);
    };
    setNotice(null);
    setVisit({ session, live, places });
  }, []);

  useEffect(() => {
    const session = Session.restore();
    const restored = session === null ? Promise.resolve() : enter(session);
    restored
      .catch((failure: unknown) => setNotice(failure instanceof Error ? failure.message : String(failure)))
      .finally(() => setRestoring(false));
  }, [enter]);

  if (visit !== null) {
    const leave = (): void => {
      visit.live.dispose();
      setVisit(null);
      visit.session.signOut().catch((failure: unknown) => setNotice(`Signed out here alone: ${String(failure)}`));
    };
    return <Dashboard live={visit.live} places={visit.places} onSignOut={leave} />;
  }
  return restoring ? null : <SignIn notice={notice} onSession={enter} />;
}
