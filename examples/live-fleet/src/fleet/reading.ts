/** The lists of the page, read over HTTP, page by page. */

import type { Session } from '../live/session';
import deploymentsDocument from '../operations/deployments.graphql?raw';
import placesDocument from '../operations/places.graphql?raw';
import thingsDocument from '../operations/things.graphql?raw';
import type { Deployment, Group, Organization, Page, Places, Ref, Scope, Thing } from './types';

interface PlacesAnswer {
  readonly viewer: {
    readonly user: { readonly name: string; readonly email: string } | null;
    readonly grants: ReadonlyArray<{ readonly organization: Ref | null; readonly permissions: readonly string[] }>;
  };
  readonly organizations: Page<Organization>;
  readonly groups: Page<Group>;
}

interface ThingsAnswer {
  readonly eventCursor: string | null;
  readonly things: Page<Thing>;
}

export interface Reading {
  readonly things: readonly Thing[];
  /** From here on, events tell what has become of them. Null while nothing has ever happened. */
  readonly cursor: string | null;
}

export async function readPlaces(session: Session): Promise<Places> {
  const organizations = new Map<string, Organization>();
  const groups = new Map<string, Group>();
  const after: { organizationsAfter: string | null; groupsAfter: string | null } = {
    organizationsAfter: null,
    groupsAfter: null,
  };
  for (;;) {
    const answer = await session.ask<PlacesAnswer>(placesDocument, after);
    for (const organization of answer.organizations.nodes) organizations.set(organization.id, organization);
    for (const group of answer.groups.nodes) groups.set(group.id, group);
    // A list that has come to its end answers an empty page behind its last cursor while the other one goes on.
    after.organizationsAfter = answer.organizations.pageInfo.endCursor ?? after.organizationsAfter;
    after.groupsAfter = answer.groups.pageInfo.endCursor ?? after.groupsAfter;
    if (!answer.organizations.pageInfo.hasNextPage && !answer.groups.pageInfo.hasNextPage) {
      const deploysIn = answer.viewer.grants.flatMap(({ organization, permissions }) =>
        organization !== null && permissions.includes('OTA_DEPLOY') ? [organization.id] : [],
      );
      return { person: answer.viewer.user?.name ?? '', deploysIn: new Set(deploysIn), organizations, groups };
    }
  }
}

/**
 * All things of a scope. The cursor is that of the first page: what changes while the others are read is told by the
 * events behind it, and nothing falls between reading and subscribing.
 */
export async function readThings(
  session: Session,
  scope: Scope,
  onProgress: (count: number) => void,
): Promise<Reading> {
  const things: Thing[] = [];
  let cursor: string | null = null;
  let after: string | null = null;
  for (;;) {
    const answer: ThingsAnswer = await session.ask<ThingsAnswer>(thingsDocument, { filter: filterOf(scope), after });
    if (after === null) cursor = answer.eventCursor;
    things.push(...answer.things.nodes);
    onProgress(things.length);
    if (!answer.things.pageInfo.hasNextPage) return { things, cursor };
    after = answer.things.pageInfo.endCursor;
  }
}

/** Those of `ids` (100 at most) that are in the scope now. */
export async function readSomeThings(session: Session, scope: Scope, ids: readonly string[]): Promise<readonly Thing[]> {
  const filter = { ...filterOf(scope), ids };
  return (await session.ask<ThingsAnswer>(thingsDocument, { filter, after: null })).things.nodes;
}

export async function readDeployments(session: Session): Promise<readonly Deployment[]> {
  return (await session.ask<{ deployments: { nodes: Deployment[] } }>(deploymentsDocument)).deployments.nodes;
}

function filterOf({ organizationId, groupId }: Scope): object {
  return {
    ...(organizationId !== undefined && { organization: { id: organizationId } }),
    ...(groupId !== undefined && { group: { id: groupId } }),
  };
}
