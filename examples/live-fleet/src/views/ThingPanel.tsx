import type { LiveFleet } from '../fleet/live';
import type { Places, Thing } from '../fleet/types';
import { Chart, type ChartPoint } from './Chart';
import { useHistory } from './hooks';
import { numericKeys, wordsForAge, wordsForKey, wordsForValue } from './words';

interface ThingPanelProps {
  readonly live: LiveFleet;
  readonly thing: Thing;
  readonly places: Places;
  readonly now: number;
  /** The key of the state that was chosen last, here or at another thing. */
  readonly wanted: string | null;
  readonly onWant: (key: string) => void;
}

/** One thing: what it reports now, and the course of one of its values. */
export function ThingPanel({ live, thing, places, now, wanted, onWant }: ThingPanelProps) {
  const samples = useHistory(live, thing.id);
  const reported = thing.state?.reported ?? {};
  const keys = numericKeys(reported, wanted);
  const key = keys[0] ?? null;
  const points = samples.flatMap(({ at, values }): ChartPoint[] => {
    const value = key === null ? undefined : values[key];
    return typeof value === 'number' ? [{ at, value }] : [];
  });
  return (
    <section className="panel thing" aria-label="The chosen thing">
      <h2>
        <i className={thing.connected ? 'dot connected' : 'dot disconnected'} aria-hidden="true" />
        {thing.name}
      </h2>
      <p className="quiet">
        {thing.connected ? 'connected' : 'not connected'}, last report {wordsForAge(thing.lastSeenAt, now)}
        {thing.lastSeenAt !== null && ' ago'} · {places.organizations.get(thing.organization?.id ?? '')?.name}
      </p>
      {key === null ? (
        <p className="empty">It reports no numbers.</p>
      ) : (
        <>
          <div className="chart-head">
            <label>
              <span className="unseen">Value in the chart</span>
              <select value={key} onChange={({ target: { value } }) => onWant(value)}>
                {keys.toSorted().map((each) => <option key={each} value={each}>{wordsForKey(each)}</option>)}
              </select>
            </label>
            <output>{wordsForValue(reported[key])}</output>
          </div>
          <Chart points={points} label={`${wordsForKey(key)} of ${thing.name}`} now={now} />
        </>
      )}
      <dl className="state">
        {Object.entries(reported).map(([name, value]) => (
          <div key={name}>
            <dt>{wordsForKey(name)}</dt>
            <dd>{wordsForValue(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
