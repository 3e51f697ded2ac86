/** Who the gateway says we are, in the few words the top bar has room for. */

export interface ViewerCard {
  readonly kind: 'person' | 'thing';
  readonly name: string;
  /** E-mail of a person, organization of a thing. */
  readonly detail: string;
  /** Where it may look: one organization by name, or how many. */
  readonly reach: string;
}

export interface ViewerAnswer {
  readonly viewer: {
    readonly user: { readonly name: string | null; readonly email: string } | null;
    readonly thing: { readonly name: string; readonly organization: { readonly name: string } | null } | null;
    readonly organizations: { readonly totalCount: number; readonly nodes: ReadonlyArray<{ readonly name: string }> };
  } | null;
}

export function describeViewer(answer: ViewerAnswer | null | undefined): ViewerCard | null {
  const viewer = answer?.viewer;
  if (!viewer) return null;
  const { totalCount, nodes } = viewer.organizations;
  const [first] = nodes;
  const reach = totalCount === 1 && first ? first.name : `${totalCount} organizations`;
  if (viewer.user) {
    return { kind: 'person', name: viewer.user.name ?? viewer.user.email, detail: viewer.user.email, reach };
  }
  if (viewer.thing) {
    return { kind: 'thing', name: viewer.thing.name, detail: viewer.thing.organization?.name ?? 'a thing', reach };
  }
  return null;
}

/** Up to two letters for the round badge. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._@-]+/).filter((word) => word !== '');
  return words.slice(0, 2).map((word) => word.charAt(0).toUpperCase()).join('');
}
