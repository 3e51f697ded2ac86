import { useState } from 'react';
import type { LiveFleet, Move } from '../fleet/live';
import type { Counts, Deployment, Phase } from '../fleet/types';
import { wordsForCount, wordsForKey } from './words';

interface RolloutProps {
  readonly live: LiveFleet;
  readonly deployment: Deployment;
  readonly mayControl: boolean;
}

/** One deployment: how far it is, by phases, why it stopped, and what can be done about it. */
export function Rollout({ live, deployment, mayControl }: RolloutProps) {
  const { id, name, status, stopReason, counts, jobs } = deployment;
  const said = wordsFor(counts);
  return (
    <li data-deployment={id}>
      <p>
        <span className="name" title={name}>{name}</span>
        <span className={`badge ${status.toLowerCase()}`}>{wordsForKey(status)}</span>
      </p>
      <Bars counts={counts} said={said} />
      <p className="quiet" aria-hidden="true">{said}</p>
      {status === 'PAUSED' && stopReason !== '' && <p className="problem" data-stop>{stopReason}</p>}
      {jobs.nodes.length > 1 && (
        <ol className="phases">
          {jobs.nodes.map((phase) => <PhaseLine key={phase.id} phase={phase} />)}
        </ol>
      )}
      {mayControl && <Controls live={live} deployment={deployment} />}
    </li>
  );
}

function PhaseLine({ phase: { phase, status, startsAt, afterSuccessPercent, plannedCount, counts } }: { readonly phase: Phase }) {
  const waits = afterSuccessPercent === null ? wordsForStart(startsAt) : `after ${afterSuccessPercent} % success`;
  const { done, failed } = partsOf(counts);
  const failures = failed > 0 ? `, ${wordsForCount(failed)} failed` : '';
  const ran = `${wordsForCount(done)} of ${wordsForCount(counts.total)} done${failures}`;
  const said = status === 'SCHEDULED' ? `${wordsForCount(plannedCount || counts.total)} things, ${waits}` : ran;
  return (
    <li data-phase={phase} data-status={status}>
      <span>Phase {phase}</span>
      <Bars counts={counts} said={`Phase ${phase}: ${wordsForKey(status)}, ${said}`} />
      <span className="quiet">{said}</span>
    </li>
  );
}

function Bars({ counts, said }: { readonly counts: Counts; readonly said: string }) {
  return (
    <div className="bars" role="img" aria-label={said}>
      {Object.entries(partsOf(counts)).map(([part, count]) =>
        count > 0 && <i key={part} className={`bar ${part}`} style={{ flexGrow: count }} />,
      )}
    </div>
  );
}

/** Aborting is for good, so it is asked for twice. */
function Controls({ live, deployment: { id, name, status } }: { readonly live: LiveFleet; readonly deployment: Deployment }) {
  const [busy, setBusy] = useState(false);
  const [aborting, setAborting] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  async function control(move: Move): Promise<void> {
    setBusy(true);
    setAborting(false);
    try {
      await live.control(move, id);
      setProblem(null);
    } catch (failure) {
      setProblem(failure instanceof Error ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  }

  const held = status === 'PAUSED' ? 'resume' : 'pause';
  return (
    <div className="controls" role="group" aria-label={name}>
      <button type="button" disabled={busy} onClick={() => void control(held)}>
        {held === 'pause' ? 'Pause' : 'Resume'}
      </button>
      <button type="button" disabled={busy} onClick={() => (aborting ? void control('abort') : setAborting(true))}>
        {aborting ? 'Abort for good' : 'Abort'}
      </button>
      {aborting && <button type="button" onClick={() => setAborting(false)}>Keep</button>}
      {problem !== null && <p className="problem" role="alert">{problem}</p>}
    </div>
  );
}

function partsOf(counts: Counts): Record<'done' | 'under-way' | 'failed' | 'waiting', number> {
  const done = counts.success + counts.alreadyInstalled;
  const failed =
    counts.failure + counts.rejected + counts.noArtifact + counts.aborted + counts.expired + counts.decommissioned;
  const waiting = counts.pending + counts.awaitingApproval;
  return { done, 'under-way': counts.total - done - failed - waiting, failed, waiting };
}

function wordsFor(counts: Counts): string {
  const parts = partsOf(counts);
  return `${wordsForCount(parts.done)} of ${wordsForCount(counts.total)} done, ${parts['under-way']} under way, ${parts.failed} failed`;
}

function wordsForStart(moment: string): string {
  return `from ${new Date(moment).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })}`;
}
