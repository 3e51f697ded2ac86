/** What stands in the answer pane before there is an answer. */

import { formatShortcutForOS, useGraphiQL } from '@graphiql/react';
import { useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { Logo } from './Logo';
import type { Session } from './session';

export function EmptyAnswer({ session }: { readonly session: Session }) {
  const { status } = useSyncExternalStore(session.subscribe, session.snapshot);
  const { pane, empty } = useGraphiQL((state) => ({
    pane: state.responseEditor?.getContainerDomNode().closest('.graphiql-response'),
    empty: !state.isFetching && !state.tabs[state.activeTabIndex]?.response,
  }));
  if (!pane || !empty) return null;
  return createPortal(
    <div className="fg-empty">
      <Logo />
      <p>{status === 'signed-in' ? 'Ask your fleet' : 'Sign in to ask your fleet'}</p>
      <p className="fg-empty-hint">
        {status === 'signed-in'
          ? `Press play or ${formatShortcutForOS('Ctrl-Enter', 'Cmd')}; the answer appears here.`
          : 'The schema and its documentation are open to read.'}
      </p>
    </div>,
    pane,
  );
}
