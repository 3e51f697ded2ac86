/** What sign-in and sign-out change in the workspace: ids of the visitor's own fleet in the tabs' variables, no live leftovers. */

import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useEffectEvent, useSyncExternalStore } from 'react';
import { post } from './gateway';
import firstThingDocument from './operations/first-thing.graphql?raw';
import type { Session } from './session';
import { fillIds, fleetIdsOf, loadFilledIds, storeFilledIds, type FirstThingAnswer, type FleetIds } from './tabs';

export function FillVariables({ session }: { readonly session: Session }) {
  const { viewer } = useSyncExternalStore(session.subscribe, session.snapshot);
  const { tabs, activeTabIndex, variableEditor, schema, isIntrospecting } = useGraphiQL((state) => ({
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
    variableEditor: state.variableEditor,
    schema: state.schema,
    isIntrospecting: state.isIntrospecting,
  }));
  const { moveTab, introspect, stop } = useGraphiQLActions();

  const fill = useEffectEvent((ids: FleetIds) => {
    const before = loadFilledIds();
    storeFilledIds(ids);
    // The active tab keeps its identity here (GraphiQL finds it by that); its text is changed in the editor.
    moveTab(
      tabs.map((tab, index) =>
        index === activeTabIndex || !tab.variables ? tab : { ...tab, variables: fillIds(tab.variables, ids, before) },
      ),
    );
    const text = variableEditor?.getValue() ?? '';
    const filled = fillIds(text, ids, before);
    if (filled !== text) variableEditor?.setValue(filled);
  });

  // Where introspection needs a sign-in, the schema could not be read before.
  const readSchema = useEffectEvent(() => {
    if (!schema && !isIntrospecting) void introspect();
  });

  // A live operation belongs to who started it. The socket closes with its last operation.
  useEffect(() => {
    if (viewer === null) stop();
  }, [viewer, stop]);

  const ready = variableEditor !== undefined;
  useEffect(() => {
    if (viewer === null || !ready) return;
    let current = true;
    readSchema();
    void firstIds(session).then((ids) => {
      if (current && ids !== null) fill(ids);
    });
    return () => {
      current = false;
    };
  }, [viewer, ready, session]);

  return null;
}

async function firstIds(session: Session): Promise<FleetIds | null> {
  const authorization = await session.authorization();
  if (authorization === null) return null;
  const { answer } = await post<FirstThingAnswer>({ query: firstThingDocument }, { authorization });
  return fleetIdsOf(answer);
}
