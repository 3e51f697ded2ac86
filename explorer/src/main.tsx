/** Puts the parts together and shows the page. */

import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './styles/theme.css';
import './styles/graphiql.css';
import './styles/bar.css';
import './styles/panel.css';
import './workers';

import { createRoot } from 'react-dom/client';
import { ActivityLog } from './activity';
import { App } from './App';
import { loadConfig } from './config';
import { createFetcher } from './fetcher';
import { openLiveClient } from './live';
import { Session } from './session';

async function start(root: HTMLElement): Promise<void> {
  const session = new Session();
  const activity = new ActivityLog();
  const live = openLiveClient(session.authorization, (link) => activity.update({ link }));

  // The editor measures its font once, so that must be there before it.
  const [config] = await Promise.all([
    loadConfig(),
    document.fonts.load("13px 'JetBrains Mono Variable'"),
    document.fonts.load("14px 'Inter Variable'"),
    session.restore(),
  ]);
  const fetcher = createFetcher(session, live, activity);
  createRoot(root).render(<App session={session} fetcher={fetcher} activity={activity} config={config} />);
}

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no element #root.');
void start(root);
