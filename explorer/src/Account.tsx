/** Who is signed in, and the way out. */

import { Popover } from './Popover';
import type { Session } from './session';
import { initialsOf, type ViewerCard } from './viewer';

interface AccountProps {
  readonly session: Session;
  readonly viewer: ViewerCard;
}

export function Account({ session, viewer }: AccountProps) {
  const label = (
    <>
      <span className={`fg-badge fg-badge-${viewer.kind}`}>{initialsOf(viewer.name)}</span>
      <span className="fg-who">{viewer.name}</span>
    </>
  );
  return (
    <Popover label={label} title="Account" buttonClass="fg-account">
      <dl className="fg-facts">
        <dt>Signed in as</dt>
        <dd>{viewer.name}</dd>
        <dt>{viewer.kind === 'person' ? 'E-mail' : 'Thing of'}</dt>
        <dd>{viewer.detail}</dd>
        <dt>Sees</dt>
        <dd>{viewer.reach}</dd>
      </dl>
      <button type="button" className="fg-button fg-button-quiet" onClick={() => void session.signOut()}>
        Sign out
      </button>
    </Popover>
  );
}
