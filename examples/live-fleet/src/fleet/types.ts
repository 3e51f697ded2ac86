/** What the page knows: the answers of src/operations, by their shape. */

export interface Ref {
  readonly id: string;
}

export interface Page<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

export interface Organization extends Ref {
  readonly name: string;
  readonly parent: Ref | null;
}

export interface Group extends Ref {
  readonly name: string;
  readonly kind: 'GROUP' | 'INSTALLATION';
  readonly metadata: Values;
  readonly parent: Ref | null;
  readonly organization: Ref | null;
}

/** Free JSON: what a thing reports, what people noted. */
export type Values = Readonly<Record<string, unknown>>;

export interface State {
  readonly version: number;
  readonly reported: Values;
}

export interface Thing extends Ref {
  readonly name: string;
  readonly type: string;
  readonly connected: boolean;
  readonly lastSeenAt: string | null;
  readonly organization: Ref | null;
  readonly homeGroup: Ref | null;
  readonly state: State | null;
}

export interface Counts {
  readonly total: number;
  readonly success: number;
  readonly failure: number;
  readonly rejected: number;
  readonly alreadyInstalled: number;
  readonly noArtifact: number;
  readonly aborted: number;
  readonly expired: number;
  readonly decommissioned: number;
  readonly pending: number;
  readonly awaitingApproval: number;
}

/** An OTA job of a deployment: the things that get the update at one time. */
export interface Phase extends Ref {
  /** Its place in the deployment, from 1. */
  readonly phase: number;
  readonly status: 'SCHEDULED' | 'IN_PROGRESS' | 'PAUSED' | 'FINISHED' | 'CANCELLED';
  readonly startsAt: string;
  /** It waits until so many percent of the phase before have succeeded. */
  readonly afterSuccessPercent: number | null;
  readonly plannedCount: number;
  readonly counts: Counts;
}

export interface Deployment extends Ref {
  readonly name: string;
  readonly status: 'SCHEDULED' | 'PENDING' | 'IN_PROGRESS' | 'PAUSED' | 'FINISHED';
  /** Why it paused by itself; empty when it did not. */
  readonly stopReason: string;
  readonly organization: { readonly id: string; readonly name: string } | null;
  readonly counts: Counts;
  readonly jobs: { readonly nodes: readonly Phase[] };
}

/** What is shown: an organization or a group, each with all below it. Empty for everything that you may see. */
export interface Scope {
  readonly organizationId?: string;
  readonly groupId?: string;
}

export interface Places {
  readonly person: string;
  /** Where the person may start and stop deployments, there and below. */
  readonly deploysIn: ReadonlySet<string>;
  readonly organizations: ReadonlyMap<string, Organization>;
  readonly groups: ReadonlyMap<string, Group>;
}
