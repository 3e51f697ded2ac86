import type { LiveFleet } from '../fleet/live';
import type { Deployment, Places } from '../fleet/types';
import { Rollout } from './Rollout';

interface DeploymentsProps {
  readonly live: LiveFleet;
  readonly deployments: ReadonlyMap<string, Deployment>;
  readonly places: Places;
  /** Those of this organization and of all below it alone. */
  readonly organizationId: string | null;
}

const ORDER: ReadonlyArray<Deployment['status']> = ['IN_PROGRESS', 'PAUSED', 'PENDING', 'SCHEDULED'];

/** The deployments that have not ended, each with how far it is. */
export function Deployments({ live, deployments, places, organizationId }: DeploymentsProps) {
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
        {shown.map((deployment) => (
          <Rollout
            key={deployment.id}
            live={live}
            deployment={deployment}
            mayControl={[...places.deploysIn].some((top) => isBelow(deployment.organization?.id, top, places))}
          />
        ))}
      </ol>
    </section>
  );
}

function isBelow(id: string | undefined, top: string | null, places: Places): boolean {
  if (top === null) return true;
  for (let at = id; at !== undefined; at = places.organizations.get(at)?.parent?.id) if (at === top) return true;
  return false;
}
