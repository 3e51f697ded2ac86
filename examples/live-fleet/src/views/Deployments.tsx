import type { Counts, Deployment, Places } from '../fleet/types';
import { wordsForCount, wordsForKey } from './words';

interface DeploymentsProps {
  readonly deployments: ReadonlyMap<string, Deployment>;
  readonly places: Places;
  /** Those of this organization and of all below it alone. */
  readonly organizationId: string | null;
}

const ORDER: ReadonlyArray<Deployment['status']> = ['IN_PROGRESS', 'PAUSED', 'PENDING', 'SCHEDULED'];

/** The deployments that have not ended, each with how far it is. */
export function Deployments({ deployments, places, organizationId }: DeploymentsProps) {
  const shown = [...deployments.values()]
    .filter(({ status, organization }) => ORDER.includes(status) && isBelow(organization?.id, organizationId, places))
    .sort((one, other) => ORDER.indexOf(one.status) - ORDER.indexOf(other.status) || (one.name < other.name ? -1 : 1));
  return (
    <section className="panel deployments" aria-label="Deployments">
      <h2>Deployments</h2>
      <ul className="legend">
        <li><i className="bar done" />done</li>
        <li><i className="bar under-way" />under way</li>
        <li><i className="bar failed" />failed</li>
        <li><i className="bar waiting" />waiting</li>
      </ul>
      {shown.length === 0 && <p className="empty">None is running.</p>}
      <ol>
        {shown.map((deployment) => <Progress key={deployment.id} deployment={deployment} />)}
      </ol>
    </section>
  );
}

function Progress({ deployment: { id, name, status, counts } }: { readonly deployment: Deployment }) {
  const parts = partsOf(counts);
  const said = `${wordsForCount(parts.done)} of ${wordsForCount(counts.total)} done, ${parts['under-way']} under way, ${parts.failed} failed`;
  return (
    <li data-deployment={id}>
      <p>
        <span className="name" title={name}>{name}</span>
        <span className={`badge ${status.toLowerCase()}`}>{wordsForKey(status)}</span>
      </p>
      <div className="bars" role="img" aria-label={said}>
        {Object.entries(parts).map(([part, count]) =>
          count > 0 && <i key={part} className={`bar ${part}`} style={{ flexGrow: count }} />,
        )}
      </div>
      <p className="quiet" aria-hidden="true">{said}</p>
    </li>
  );
}

function partsOf(counts: Counts): Record<'done' | 'under-way' | 'failed' | 'waiting', number> {
  const done = counts.success + counts.alreadyInstalled;
  const failed =
    counts.failure + counts.rejected + counts.noArtifact + counts.aborted + counts.expired + counts.decommissioned;
  const waiting = counts.pending + counts.awaitingApproval;
  return { done, 'under-way': counts.total - done - failed - waiting, failed, waiting };
}

function isBelow(id: string | undefined, top: string | null, places: Places): boolean {
  if (top === null) return true;
  for (let at = id; at !== undefined; at = places.organizations.get(at)?.parent?.id) if (at === top) return true;
  return false;
}
