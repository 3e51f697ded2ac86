/**
 * The things and deployments on the page. Events are put aside as they come and applied together, once for each
 * frame that the browser draws: a thousand events in a frame cost one update of the page.
 */

import type { Deployment, Phase, State, Thing } from './types';

/** A new object after each frame that changed something; the maps in it stay the same. */
export interface Fleet {
  readonly things: ReadonlyMap<string, Thing>;
  readonly deployments: ReadonlyMap<string, Deployment>;
  /** Grows with each change. */
  readonly revision: number;
  /** Grows when things come or go, move or are connected or not: what a drawing of their places depends on. */
  readonly arrangement: number;
  readonly connected: number;
}

type Listener = () => void;

const RATE_SECONDS = 5;
/** A page in the background draws no frames; it keeps up all the same. */
const WITHOUT_FRAMES_MS = 250;

export class Model {
  #things = new Map<string, Thing>();
  #deployments = new Map<string, Deployment>();
  #fleet: Fleet = {
    things: this.#things,
    deployments: this.#deployments,
    revision: 0,
    arrangement: 0,
    connected: 0,
  };
  #pending: Array<() => void> = [];
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #arrangement = 0;
  #connected = 0;
  /** Reports of each of the last seconds, by the second. */
  readonly #rate = new Map<number, number>();
  /** When each thing last reported, as the page saw it, in the time of performance.now(). */
  readonly reportedAt = new Map<string, number>();
  readonly #listeners = new Set<Listener>();

  readonly subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Fleet => this.#fleet;

  /** Reports a second, over the last seconds. */
  reportsPerSecond(): number {
    const now = Math.floor(Date.now() / 1000);
    let reports = 0;
    for (const [second, count] of this.#rate) {
      if (second < now - RATE_SECONDS) this.#rate.delete(second);
      else if (second < now) reports += count;
    }
    return reports / RATE_SECONDS;
  }

  /** Everything anew, after reading. */
  replace(things: readonly Thing[]): void {
    this.#later(() => {
      this.#things = new Map(things.map((thing) => [thing.id, thing]));
      this.#connected = things.filter((thing) => thing.connected).length;
      this.#arrangement += 1;
    });
  }

  replaceDeployments(deployments: readonly Deployment[]): void {
    this.#later(() => {
      this.#deployments = new Map(deployments.map((deployment) => [deployment.id, deployment]));
    });
  }

  report(thingId: string, state: State, at: string): void {
    this.#later(() => {
      const thing = this.#things.get(thingId);
      if (thing === undefined) return;
      const second = Math.floor(Date.now() / 1000);
      this.#rate.set(second, (this.#rate.get(second) ?? 0) + 1);
      this.reportedAt.set(thingId, performance.now());
      // A state that was read is newer than events that happened before, and they come all the same.
      if (state.version < (thing.state?.version ?? 0)) return;
      const lastSeenAt = thing.lastSeenAt === null || thing.lastSeenAt < at ? at : thing.lastSeenAt;
      this.#put({ ...thing, state, lastSeenAt });
    });
  }

  connect(thingId: string, connected: boolean): void {
    this.#later(() => {
      const thing = this.#things.get(thingId);
      if (thing !== undefined && thing.connected !== connected) this.#put({ ...thing, connected });
    });
  }

  /** What was asked again: `ids` as they are now, of which those that are not among `things` are gone. */
  refresh(ids: readonly string[], things: readonly Thing[]): void {
    this.#later(() => {
      const found = new Map(things.map((thing) => [thing.id, thing]));
      for (const id of ids) {
        const thing = found.get(id);
        if (thing === undefined) this.#remove(id);
        else this.#put(thing);
      }
      this.#arrangement += 1;
    });
  }

  putDeployment(id: string, deployment: Deployment | null): void {
    this.#later(() => {
      if (deployment === null) this.#deployments.delete(id);
      else this.#deployments.set(id, deployment);
    });
  }

  /** A phase of one of the deployments, as it is now. */
  putPhase(deploymentId: string, phase: Phase): void {
    this.#later(() => {
      const deployment = this.#deployments.get(deploymentId);
      if (deployment === undefined) return;
      const others = deployment.jobs.nodes.filter(({ id }) => id !== phase.id);
      const nodes = [...others, phase].sort((one, other) => one.phase - other.phase);
      this.#deployments.set(deploymentId, { ...deployment, jobs: { nodes } });
    });
  }

  #put(thing: Thing): void {
    const before = this.#things.get(thing.id);
    if (before?.connected !== thing.connected) {
      this.#connected += thing.connected ? 1 : before === undefined ? 0 : -1;
      this.#arrangement += 1;
    }
    this.#things.set(thing.id, thing);
  }

  #remove(id: string): void {
    if (this.#things.get(id)?.connected === true) this.#connected -= 1;
    this.#things.delete(id);
  }

  #later(change: () => void): void {
    this.#pending.push(change);
    if (this.#pending.length > 1) return;
    this.#frame = requestAnimationFrame(this.#apply);
    this.#timer = setTimeout(this.#apply, WITHOUT_FRAMES_MS);
  }

  readonly #apply = (): void => {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    const changes = this.#pending;
    this.#pending = [];
    for (const change of changes) change();
    this.#fleet = {
      things: this.#things,
      deployments: this.#deployments,
      revision: this.#fleet.revision + 1,
      arrangement: this.#arrangement,
      connected: this.#connected,
    };
    for (const listener of this.#listeners) listener();
  };
}
