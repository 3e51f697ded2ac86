/** The three tabs a visitor finds, and how ids of their own fleet get into the variables. */

import type { GraphQLAnswer } from './gateway';
import fleetOverview from './operations/fleet-overview.graphql?raw';
import overviewVariables from './operations/fleet-overview.variables.json?raw';
import reportState from './operations/report-state.graphql?raw';
import reportVariables from './operations/report-state.variables.json?raw';
import watchStates from './operations/watch-states.graphql?raw';
import watchVariables from './operations/watch-states.variables.json?raw';

export const FIRST_TABS = [
  { query: fleetOverview.trimEnd(), variables: overviewVariables.trimEnd() },
  { query: reportState.trimEnd(), variables: reportVariables.trimEnd() },
  { query: watchStates.trimEnd(), variables: watchVariables.trimEnd() },
];

/** Ids of one thing the visitor may see, by the names they have in the variables. */
export interface FleetIds {
  readonly thingId: string;
  readonly organizationId: string;
}

export const NO_IDS: FleetIds = { thingId: '', organizationId: '' };

export interface FirstThingAnswer {
  readonly things: {
    readonly nodes: ReadonlyArray<{ readonly id: string; readonly organization: { readonly id: string } | null }>;
  };
}

export function fleetIdsOf(answer: GraphQLAnswer<FirstThingAnswer>): FleetIds | null {
  const [thing] = answer.data?.things.nodes ?? [];
  return thing?.organization ? { thingId: thing.id, organizationId: thing.organization.id } : null;
}

/** Puts `ids` where a variable is still empty or holds what was filled in before; the visitor's own stay. */
export function fillIds(variables: string, ids: FleetIds, before: FleetIds): string {
  return variables.replace(
    /"(thingId|organizationId)"(\s*:\s*)"([^"]*)"/g,
    (whole, name: keyof FleetIds, colon: string, value: string) =>
      value === '' || value === before[name] ? `"${name}"${colon}${JSON.stringify(ids[name])}` : whole,
  );
}

const FILLED_KEY = 'fleetgraph.filledIds';

/** What was filled in last: tabs outlive a session in the browser's storage, so this does too. */
export function loadFilledIds(): FleetIds {
  const stored = localStorage.getItem(FILLED_KEY);
  return stored === null ? NO_IDS : (JSON.parse(stored) as FleetIds);
}

export function storeFilledIds(ids: FleetIds): void {
  localStorage.setItem(FILLED_KEY, JSON.stringify(ids));
}
