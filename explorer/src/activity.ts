/** What the last operation did, for the line beside the tabs: time, size, number of live events. */

import type { LinkState } from './live';

export interface LastAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly milliseconds: number;
  readonly bytes: number;
}

export interface Activity {
  readonly link: LinkState;
  readonly events: number;
  /** Null while a subscription is what happened last. */
  readonly last: LastAnswer | null;
}

export class ActivityLog {
  #activity: Activity = { link: 'idle', events: 0, last: null };
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Activity => this.#activity;

  update(change: Partial<Activity>): void {
    this.#activity = { ...this.#activity, ...change };
    for (const listener of this.#listeners) listener();
  }

  countEvent(): void {
    this.update({ events: this.#activity.events + 1 });
  }
}
