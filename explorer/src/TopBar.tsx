/** Name, environment, address of the gateway, and who is signed in. */

import { useSyncExternalStore } from 'react';
import { Account } from './Account';
import type { ExplorerConfig } from './config';
import { GRAPHQL_PATH } from './gateway';
import { Logo } from './Logo';
import type { Session } from './session';
import { SignIn } from './SignIn';

interface TopBarProps {
  readonly session: Session;
  readonly config: ExplorerConfig;
}

export function TopBar({ session, config }: TopBarProps) {
  const { status, viewer, notice } = useSyncExternalStore(session.subscribe, session.snapshot);
  return (
    <header className="fg-bar">
      <a className="fg-brand" href="/" aria-label="Fleetgraph Explorer">
        <Logo />
        <span className="fg-name">Fleetgraph</span>
        <span className="fg-product">Explorer</span>
      </a>
      <span className="fg-pill" title="Environment of this gateway">
        {config.environment}
      </span>
      <code className="fg-endpoint">{new URL(GRAPHQL_PATH, window.location.href).href}</code>
      <nav className="fg-links" aria-label="Gateway">
        <a href="/schema.graphql" target="_blank" rel="noreferrer">
          Schema
        </a>
        {status === 'signed-out' && <SignIn session={session} demo={config.demo} notice={notice} />}
        {status === 'restoring' && <span className="fg-quiet">Signing in…</span>}
        {viewer !== null && <Account session={session} viewer={viewer} />}
      </nav>
    </header>
  );
}
