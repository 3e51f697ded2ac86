import { useEffect, useRef, useState, type PointerEvent } from 'react';
import type { Model } from '../fleet/model';
import type { Places } from '../fleet/types';
import { MapPainter } from './painter';

interface FleetMapProps {
  readonly model: Model;
  readonly places: Places;
  readonly listed: readonly string[];
  /** Grows when the things of `listed` have to be drawn anew. */
  readonly arrangement: number;
  readonly connected: number;
  readonly chosen: string | null;
  readonly onChoose: (id: string) => void;
}

interface Hint {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/** A picture for the eye; the table beside it holds the same things for the keyboard and for screen readers. */
export function FleetMap({ model, places, listed, arrangement, connected, chosen, onChoose }: FleetMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<MapPainter>(null);
  const [hint, setHint] = useState<Hint | null>(null);
  const [nowhere, setNowhere] = useState(0);

  useEffect(() => {
    if (canvas.current === null) return undefined;
    const made = new MapPainter(canvas.current, model);
    painter.current = made;
    return () => made.dispose();
  }, [model]);
  useEffect(() => setNowhere(painter.current?.show(listed, places) ?? 0), [listed, places, arrangement]);
  useEffect(() => painter.current?.choose(chosen), [chosen]);

  function point({ nativeEvent: { offsetX: x, offsetY: y } }: PointerEvent): void {
    const id = painter.current?.at(x, y) ?? null;
    setHint(id === null ? null : { id, x, y });
  }

  const pointed = hint === null ? undefined : model.snapshot().things.get(hint.id);
  return (
    <section className="panel map" aria-label="Map">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Map of ${listed.length} things, ${connected} of them connected`}
        style={{ cursor: hint === null ? 'default' : 'pointer' }}
        onPointerMove={point}
        onPointerLeave={() => setHint(null)}
        onClick={() => hint !== null && onChoose(hint.id)}
      />
      <ul className="legend map-legend">
        <li><i className="dot connected" />connected</li>
        <li><i className="dot disconnected" />not connected</li>
        <li><i className="dot reporting" />reports</li>
        <li><i className="arrow" />on its way</li>
        {nowhere > 0 && <li>{nowhere} without a place</li>}
      </ul>
      {hint !== null && pointed !== undefined && (
        <div className="hint" style={{ left: hint.x, top: hint.y }}>{pointed.name}</div>
      )}
    </section>
  );
}
