import { memo, useEffect, useMemo, useState } from 'react';
import type { LiveFleet } from '../fleet/live';
import type { Places, Scope, Thing } from '../fleet/types';
import { FleetMap } from '../map/FleetMap';
import { Deployments } from './Deployments';
import { EVERYTHING, Filters, type Filter } from './Filters';
import { useFleet, useNow, useStatus } from './hooks';
import { Logo } from './Logo';
import { StatusLine } from './StatusLine';
import { ThingPanel } from './ThingPanel';
import { ThingTable } from './ThingTable';
import { wordsForCount, wordsForNumber } from './words';

const Map = memo(FleetMap);

interface DashboardProps {
  readonly live: LiveFleet;
  readonly places: Places;
  readonly onSignOut: () => void;
}

export function Dashboard({ live, places, onSignOut }: DashboardProps) {
  const fleet = useFleet(live);
  const status = useStatus(live);
  const now = useNow();
  const [scope, setScope] = useState<Scope>({});
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const [chosenId, setChosenId] = useState<string | null>(null);
  const [wanted, setWanted] = useState<string | null>(null);

  useEffect(() => void live.show(scope), [live, scope]);

  // Which things are listed depends on who is there and who is connected, not on what they report.
  const listed = useMemo(() => list(fleet.things.values(), filter), [fleet.things, fleet.arrangement, filter]);
  const chosen = fleet.things.get(chosenId ?? '') ?? firstTalking(listed, fleet.things);

  return (
    <div className="page">
      <header>
        <h1>
          <Logo /> Live fleet
        </h1>
        <StatusLine status={status} now={now} />
        <p className="person">{places.person}</p>
        <button type="button" onClick={onSignOut}>Sign out</button>
      </header>
      <main>
        <div className="toolbar">
          <dl className="counts">
            <Count name="things" value={wordsForCount(fleet.things.size)} />
            <Count name="connected" value={wordsForCount(fleet.connected)} tone="connected" />
            <Count name="not connected" value={wordsForCount(fleet.things.size - fleet.connected)} tone="disconnected" />
            <Count name="reports a second" value={wordsForNumber(live.model.reportsPerSecond())} tone="reporting" />
          </dl>
          <Filters places={places} scope={scope} filter={filter} onScope={setScope} onFilter={setFilter} />
        </div>
        <Map
          model={live.model}
          places={places}
          listed={listed}
          arrangement={fleet.arrangement}
          connected={fleet.connected}
          chosen={chosen?.id ?? null}
          onChoose={setChosenId}
        />
        <ThingTable
          things={fleet.things}
          listed={listed}
          places={places}
          reportedAt={live.model.reportedAt}
          filter={filter}
          chosen={chosen?.id ?? null}
          now={now}
          wanted={wanted}
          onChoose={setChosenId}
        />
        <aside>
          {chosen !== null && (
            <ThingPanel live={live} thing={chosen} places={places} now={now} wanted={wanted} onWant={setWanted} />
          )}
          <Deployments
            live={live}
            deployments={fleet.deployments}
            places={places}
            organizationId={scope.organizationId ?? null}
          />
        </aside>
      </main>
    </div>
  );
}

function Count({ name, value, tone }: { readonly name: string; readonly value: string; readonly tone?: string }) {
  return (
    <div>
      <dt>{tone !== undefined && <i className={`dot ${tone}`} aria-hidden="true" />}{name}</dt>
      <dd data-count={name}>{value}</dd>
    </div>
  );
}

function list(things: Iterable<Thing>, { search, connectivity }: Filter): readonly string[] {
  const wanted = search.trim().toLowerCase();
  return [...things]
    .filter(
      (thing) =>
        (connectivity === 'any' || thing.connected === (connectivity === 'connected')) &&
        thing.name.toLowerCase().includes(wanted),
    )
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((thing) => thing.id);
}

/** Until somebody chooses: a thing that has something to say. */
function firstTalking(listed: readonly string[], things: ReadonlyMap<string, Thing>): Thing | null {
  const talking = listed.find((id) => things.get(id)?.connected === true) ?? listed[0];
  return things.get(talking ?? '') ?? null;
}
