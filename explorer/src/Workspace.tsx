/** GraphiQL with our tabs, colours and status line. */

import { GraphiQL, type GraphiQLProps } from 'graphiql';
import type { Fetcher } from '@graphiql/toolkit';
import type { ActivityLog } from './activity';
import { EditorSetup } from './EditorSetup';
import { EmptyAnswer } from './EmptyAnswer';
import { FillVariables } from './FillVariables';
import type { Session } from './session';
import { StatusLine } from './StatusLine';
import { FIRST_TABS } from './tabs';

/** What the variables pane accepts for our scalars; without this it would underline every JSON object. */
const SCALARS: NonNullable<GraphiQLProps['customScalarSchemas']> = {
  DateTime: { type: 'string', format: 'date-time' },
  JSON: { type: ['object', 'array', 'string', 'number', 'boolean', 'null'] },
};

interface WorkspaceProps {
  readonly fetcher: Fetcher;
  readonly session: Session;
  readonly activity: ActivityLog;
}

export function Workspace({ fetcher, session, activity }: WorkspaceProps) {
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={FIRST_TABS}
      defaultEditorToolsVisibility="variables"
      customScalarSchemas={SCALARS}
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <StatusLine activity={activity} />
      </GraphiQL.Logo>
      <EditorSetup />
      <FillVariables session={session} />
      <EmptyAnswer session={session} />
    </GraphiQL>
  );
}
