import { useEffect, useState, useSyncExternalStore } from 'react';
import type { HistoryEvent, LiveFleet, Status } from '../fleet/live';
import type { Fleet } from '../fleet/model';

/** The fleet as it is: renders anew once for each frame that changed something. */
export function useFleet(live: LiveFleet): Fleet {
  return useSyncExternalStore(live.model.subscribe, live.model.snapshot);
}

export function useStatus(live: LiveFleet): Status {
  return useSyncExternalStore(live.subscribe, live.status);
}

/** The present moment in milliseconds, each second anew. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export interface Sample {
  readonly at: number;
  readonly values: HistoryEvent['patch'];
}

const SAMPLES = 600;

/** What a thing has reported since the page was opened, oldest first: replayed from the log, then as it comes. */
export function useHistory(live: LiveFleet, thingId: string): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    let arrived: Sample[] = [];
    let frame = 0;
    setSamples([]);
    const end = live.history(thingId, ({ side, occurredAt, patch }) => {
      if (side !== 'REPORTED') return;
      arrived.push({ at: Date.parse(occurredAt), values: patch });
      if (arrived.length > 1) return;
      frame = requestAnimationFrame(() => {
        const fresh = arrived;
        arrived = [];
        setSamples((before) => [...before, ...fresh].slice(-SAMPLES));
      });
    });
    return () => {
      cancelAnimationFrame(frame);
      end();
    };
  }, [live, thingId]);
  return samples;
}
