/** The fleet, live: reads a scope, follows what happens in it, and says how the connection is. */

import type { Client } from 'graphql-ws';
import { connect, type Link } from '../live/connection';
import { follow, type LogEvent } from '../live/follow';
import { SessionEnded, type Session } from '../live/session';
import abortDocument from '../operations/abort-deployment.graphql?raw';
import connectivityDocument from '../operations/thing-connectivity-changed.graphql?raw';
import deploymentDocument from '../operations/deployment-progress.graphql?raw';
import jobDocument from '../operations/ota-job-progress.graphql?raw';
import historyDocument from '../operations/thing-history.graphql?raw';
import pauseDocument from '../operations/pause-deployment.graphql?raw';
import resumeDocument from '../operations/resume-deployment.graphql?raw';
import stateDocument from '../operations/thing-state-changed.graphql?raw';
import thingDocument from '../operations/thing-changed.graphql?raw';
import { Model } from './model';
import { readDeployments, readSomeThings, readThings } from './reading';
import type { Deployment, Phase, Ref, Scope, State, Values } from './types';

interface StateEvent extends LogEvent {
  readonly side: 'REPORTED' | 'DESIRED';
  readonly thing: Ref | null;
  readonly state: State | null;
}

interface ConnectivityEvent extends LogEvent {
  readonly connected: boolean;
  readonly thing: Ref | null;
}

interface ThingEvent extends LogEvent {
  readonly thingId: string;
}

interface DeploymentEvent extends LogEvent {
  readonly deploymentId: string;
  readonly deployment: Deployment | null;
}

interface JobEvent extends LogEvent {
  readonly otaJob: (Phase & { readonly deployment: Ref | null }) | null;
}

export interface HistoryEvent extends LogEvent {
  readonly side: 'REPORTED' | 'DESIRED';
  readonly patch: Values;
}

export interface Status {
  readonly link: Link;
  /** How many things have been read so far; null when all are. */
  readonly reading: number | null;
  /** Events that happened while we were away, and were sent when we came back; null before any such absence. */
  readonly missed: number | null;
  readonly problem: string | null;
}

interface ControlAnswer {
  readonly answer: { readonly userErrors: ReadonlyArray<{ readonly message: string }> };
}

/** What a person may do to a deployment that has not ended. */
export type Move = 'pause' | 'resume' | 'abort';

const MOVES: Readonly<Record<Move, string>> = { pause: pauseDocument, resume: resumeDocument, abort: abortDocument };
const THINGS_AT_ONCE = 100;
const PAUSE_MS = 3_000;

export class LiveFleet {
  readonly model = new Model();
  readonly #session: Session;
  readonly #client: Client;
  readonly #listeners = new Set<() => void>();
  #status: Status = { link: { state: 'connecting' }, reading: 0, missed: null, problem: null };
  #scope: Scope = {};
  /** Which call of `show` is the present one: answers that belong to an earlier one come too late. */
  #showing = 0;
  #ends: Array<() => void> = [];
  /** Where our reading began: what has happened to a thing since then can be replayed from here. */
  #firstCursor: string | null = null;
  #stale = new Set<string>();
  /** When the connection came back, by our clock, and by how much that is ahead of the gateway's. */
  #backAt: number | null = null;
  #clockAhead = Infinity;
  #missed = 0;
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#client = connect(session, (link) => this.#linked(link));
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly status = (): Status => this.#status;

  /** Reads the things of a scope and goes on live from there; `notice` says why, when nobody asked for it. */
  async show(scope: Scope, notice: string | null = null): Promise<void> {
    this.#endAll();
    const showing = this.#showing;
    this.#scope = scope;
    this.#announce({ reading: 0 });
    try {
      const { things, cursor } = await readThings(this.#session, scope, (count) => {
        if (showing === this.#showing) this.#announce({ reading: count });
      });
      const deployments = await readDeployments(this.#session);
      if (showing !== this.#showing) return;
      this.model.replace(things);
      this.model.replaceDeployments(deployments);
      this.#firstCursor = cursor;
      this.#announce({ reading: null, problem: notice });
      this.#followAll(scope, cursor);
    } catch (failure) {
      if (failure instanceof SessionEnded || showing !== this.#showing) return;
      this.#announce({ problem: failure instanceof Error ? failure.message : String(failure) });
      const again = setTimeout(() => void this.show(scope, notice), PAUSE_MS);
      this.#ends.push(() => clearTimeout(again));
    }
  }

  /** What one thing reports, from the time at which this page was opened. Returns the function that ends it. */
  history(thingId: string, onEvent: (event: HistoryEvent) => void): () => void {
    const from = (after: string | null): (() => void) =>
      follow<HistoryEvent>(this.#client, this.#session, {
        document: historyDocument,
        field: 'thingStateChanged',
        scope: { thingIds: [thingId] },
        after,
        onEvent,
        onExpired: () => {
          end = from(null);
        },
        onProblem: (problem) => this.#announce({ problem }),
      });
    let end = from(this.#firstCursor);
    return () => end();
  }

  /** Holds a deployment, lets it go on, or stops it for good; what comes of it arrives as an event. */
  async control(move: Move, deploymentId: string): Promise<void> {
    const { answer } = await this.#session.ask<ControlAnswer>(MOVES[move], { input: { id: deploymentId } });
    if (answer.userErrors.length > 0) throw new Error(answer.userErrors.map(({ message }) => message).join(' '));
  }

  dispose(): void {
    this.#endAll();
    clearTimeout(this.#telling);
    void this.#client.dispose();
  }

  #followAll(scope: Scope, after: string | null): void {
    const { model } = this;
    this.#follow<StateEvent>(stateDocument, 'thingStateChanged', scope, after, ({ thing, state, side, occurredAt }) => {
      if (thing !== null && state !== null && side === 'REPORTED') model.report(thing.id, state, occurredAt);
    });
    this.#follow<ConnectivityEvent>(connectivityDocument, 'thingConnectivityChanged', scope, after, (event) => {
      if (event.thing !== null) model.connect(event.thing.id, event.connected);
    });
    this.#follow<ThingEvent>(thingDocument, 'thingChanged', scope, after, ({ thingId }) => this.#readAgain(thingId));
    // Deployments belong to organizations; those of the whole fleet are few, and shown whatever the things are.
    this.#follow<DeploymentEvent>(deploymentDocument, 'deploymentProgress', {}, after, (event) =>
      model.putDeployment(event.deploymentId, event.deployment),
    );
    this.#follow<JobEvent>(jobDocument, 'otaJobProgress', {}, after, ({ otaJob }) => {
      if (otaJob?.deployment != null) model.putPhase(otaJob.deployment.id, otaJob);
    });
  }

  #follow<Event extends LogEvent>(
    document: string,
    field: string,
    scope: Scope,
    after: string | null,
    apply: (event: Event) => void,
  ): void {
    const end = follow<Event>(this.#client, this.#session, {
      document,
      field,
      scope,
      after,
      onEvent: (event) => {
        apply(event);
        this.#firstCursor ??= event.cursor;
        this.#countMissed(event);
      },
      onExpired: () => {
        this.#announce({ missed: null });
        void this.show(scope, 'Away for longer than the log reaches back: the fleet was read anew.');
      },
      onProblem: (problem) => this.#announce({ problem }),
    });
    this.#ends.push(end);
  }

  #endAll(): void {
    this.#showing += 1;
    for (const end of this.#ends.splice(0)) end();
    this.#stale.clear();
  }

  /** Asks for changed things together, a moment later: the one who moved a hundred of them has made a hundred events. */
  #readAgain(thingId: string): void {
    this.#stale.add(thingId);
    if (this.#stale.size === 1) this.#readStale(PAUSE_MS / 10);
  }

  #readStale(delay: number): void {
    const [scope, showing] = [this.#scope, this.#showing];
    const later = setTimeout(async () => {
      const ids = [...this.#stale].slice(0, THINGS_AT_ONCE);
      try {
        const things = await readSomeThings(this.#session, scope, ids);
        if (showing !== this.#showing) return;
        this.model.refresh(ids, things);
        for (const id of ids) this.#stale.delete(id);
        if (this.#stale.size > 0) this.#readStale(0);
      } catch {
        if (showing === this.#showing) this.#readStale(PAUSE_MS);
      }
    }, delay);
    this.#ends.push(() => clearTimeout(later));
  }

  #linked(link: Link): void {
    const wasAway = this.#status.link.state === 'reconnecting';
    if (link.state === 'live' && wasAway) {
      this.#backAt = Date.now();
      this.#missed = 0;
      this.#announce({ link, missed: 0, problem: null });
    } else {
      this.#announce({ link });
    }
  }

  /** An event was missed when it happened before we came back; the two clocks are compared by the quickest event. */
  #countMissed({ occurredAt }: LogEvent): void {
    const happened = Date.parse(occurredAt);
    const clockAhead = Number.isFinite(this.#clockAhead) ? this.#clockAhead : 0;
    if (this.#backAt !== null && happened + clockAhead < this.#backAt) {
      this.#missed += 1;
      // Told at most ten times a second: an absence may have been long.
      this.#telling ??= setTimeout(() => {
        this.#telling = undefined;
        this.#announce({ missed: this.#missed });
      }, 100);
    }
    this.#clockAhead = Math.min(this.#clockAhead, Date.now() - happened);
  }

  #announce(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change };
    for (const listener of this.#listeners) listener();
  }
}
