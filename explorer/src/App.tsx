/** The page: the bar on top, GraphiQL below it. */

import type { Fetcher } from '@graphiql/toolkit';
import type { ActivityLog } from './activity';
import type { ExplorerConfig } from './config';
import type { Session } from './session';
import { TopBar } from './TopBar';
import { Workspace } from './Workspace';

interface AppProps {
  readonly session: Session;
  readonly fetcher: Fetcher;
  readonly activity: ActivityLog;
  readonly config: ExplorerConfig;
}

export function App({ session, fetcher, activity, config }: AppProps) {
  return (
    <div className="fg-page">
      <TopBar session={session} config={config} />
      <main className="fg-main">
        <Workspace session={session} fetcher={fetcher} activity={activity} />
      </main>
    </div>
  );
}
