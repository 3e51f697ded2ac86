/** What just happened: status, time and size of an answer, or the live events so far. */

import { useSyncExternalStore } from 'react';
import type { Activity, ActivityLog } from './activity';

export function StatusLine({ activity }: { readonly activity: ActivityLog }) {
  const state = useSyncExternalStore(activity.subscribe, activity.snapshot);
  return (
    <div className="fg-status" role="status">
      <span className={`fg-dot fg-dot-${toneOf(state)}`} />
      <span className="fg-status-text">{textOf(state)}</span>
    </div>
  );
}

function toneOf({ link, last }: Activity): 'live' | 'busy' | 'good' | 'bad' | 'idle' {
  if (last !== null) return last.ok ? 'good' : 'bad';
  if (link === 'connecting') return 'busy';
  return link === 'live' ? 'live' : 'idle';
}

function textOf({ link, events, last }: Activity): string {
  if (last !== null) return `${last.status} · ${Math.round(last.milliseconds)} ms · ${sizeOf(last.bytes)}`;
  if (link === 'connecting') return 'connecting';
  if (link === 'live' || events > 0) {
    return `${link === 'live' ? 'live' : 'stopped'} · ${events} ${events === 1 ? 'event' : 'events'}`;
  }
  return 'ready';
}

function sizeOf(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}
