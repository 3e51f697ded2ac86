import { memo, useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { Places, Thing } from '../fleet/types';
import type { Filter } from './Filters';
import { numericKeys, wordsForAge, wordsForCount, wordsForKey, wordsForValue } from './words';

const ROW_HEIGHT = 30;
/** Rows drawn above and below those in view. */
const SPARE = 4;
const VALUES = 3;

interface ThingTableProps {
  readonly things: ReadonlyMap<string, Thing>;
  readonly listed: readonly string[];
  readonly places: Places;
  readonly reportedAt: ReadonlyMap<string, number>;
  readonly filter: Filter;
  readonly chosen: string | null;
  readonly now: number;
  /** The key of the state that is looked at; it is written first. */
  readonly wanted: string | null;
  readonly onChoose: (id: string) => void;
}

/** All things, of which only the rows in view exist. One stop for the Tab key; arrows choose. */
export function ThingTable({ things, listed, places, reportedAt, filter, chosen, now, wanted, onChoose }: ThingTableProps) {
  const body = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 0 });

  useEffect(() => {
    const element = body.current;
    if (element === null) return undefined;
    const measure = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    const resized = new ResizeObserver(measure);
    resized.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);

  function move(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(view.height / ROW_HEIGHT) - 1);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || listed.length === 0) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(listed.length - 1, listed.indexOf(chosen ?? '') + step));
    onChoose(listed[index] ?? '');
  }

  // The chosen row comes into view when another is chosen, here or on the map, and when the list is another.
  useEffect(() => {
    const [element, index] = [body.current, listed.indexOf(chosen ?? '')];
    if (element === null || index < 0) return;
    const [top, height] = [index * ROW_HEIGHT, element.clientHeight];
    const [above, below] = [element.scrollTop - top, top + ROW_HEIGHT - element.scrollTop - height];
    // The next row comes in at the border, one from far away into the middle.
    if (Math.max(above, below) > ROW_HEIGHT) element.scrollTop = top - (height - ROW_HEIGHT) / 2;
    else if (above > 0) element.scrollTop -= above;
    else if (below > 0) element.scrollTop += below;
    // Not with `listed`: who scrolls about is left alone while things connect.
  }, [chosen, filter]);

  const first = Math.max(0, Math.floor(view.top / ROW_HEIGHT) - SPARE);
  const last = Math.ceil((view.top + view.height) / ROW_HEIGHT) + SPARE;
  return (
    <section className="panel things" aria-label="Things">
      <div role="grid" aria-label={`${wordsForCount(listed.length)} things`} aria-rowcount={listed.length + 1}>
        <div role="rowgroup">
          <div role="row" className="row head" aria-rowindex={1}>
            {['Name', 'Type', 'Place', 'Last report', 'State'].map((name) => <span key={name} role="columnheader">{name}</span>)}
          </div>
        </div>
        <div
          ref={body}
          role="rowgroup"
          className="body"
          tabIndex={0}
          aria-label="Choose a thing with the arrow keys"
          aria-activedescendant={chosen ?? undefined}
          onKeyDown={move}
        >
          <div style={{ height: listed.length * ROW_HEIGHT }}>
            {listed.slice(first, last).map((id, index) => {
              const thing = things.get(id);
              return thing === undefined ? null : (
                <Row
                  key={id}
                  thing={thing}
                  place={places.groups.get(thing.homeGroup?.id ?? '')?.name ?? ''}
                  owner={places.organizations.get(thing.organization?.id ?? '')?.name ?? ''}
                  index={first + index}
                  age={wordsForAge(thing.lastSeenAt, now)}
                  reportedAt={reportedAt.get(id)}
                  isChosen={id === chosen}
                  wanted={wanted}
                  onChoose={onChoose}
                />
              );
            })}
          </div>
        </div>
      </div>
      {listed.length === 0 && <p className="empty">No thing is like that.</p>}
    </section>
  );
}

interface RowProps {
  readonly thing: Thing;
  readonly place: string;
  readonly owner: string;
  readonly index: number;
  readonly age: string;
  readonly reportedAt: number | undefined;
  readonly isChosen: boolean;
  readonly wanted: string | null;
  readonly onChoose: (id: string) => void;
}

const Row = memo(function Row(props: RowProps) {
  const { thing, place, owner, index, age, reportedAt, isChosen, wanted, onChoose } = props;
  return (
    <div
      role="row"
      id={thing.id}
      className={isChosen ? 'row chosen' : 'row'}
      aria-rowindex={index + 2}
      aria-selected={isChosen}
      style={{ transform: `translateY(${index * ROW_HEIGHT}px)` }}
      onClick={() => onChoose(thing.id)}
    >
      {/* Another key with each report: the animation begins anew. */}
      {reportedAt !== undefined && <i key={reportedAt} className="flash" aria-hidden="true" />}
      <span role="gridcell">
        <i className={thing.connected ? 'dot connected' : 'dot disconnected'} role="img" aria-label={thing.connected ? 'connected' : 'not connected'} />
        {thing.name}
      </span>
      <span role="gridcell">{wordsForKey(thing.type)}</span>
      <span role="gridcell" title={owner}>{place || owner}</span>
      <span role="gridcell" className="number">{age}</span>
      <span role="gridcell" className="values">
        {numericKeys(thing.state?.reported, wanted).slice(0, VALUES).map((key) => (
          <span key={key}>{wordsForKey(key)} <b>{wordsForValue(thing.state?.reported[key])}</b></span>
        ))}
      </span>
    </div>
  );
});
