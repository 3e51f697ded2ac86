import type { Status } from '../fleet/live';
import { wordsForCount } from './words';

interface StatusLineProps {
  readonly status: Status;
  readonly now: number;
}

/** Whether what is on the page is what is. */
export function StatusLine({ status: { link, reading, missed, problem }, now }: StatusLineProps) {
  const [tone, word] =
    link.state === 'reconnecting'
      ? ['lost', 'Reconnecting']
      : reading !== null || link.state === 'connecting'
        ? ['waiting', 'Connecting']
        : ['live', 'Live'];
  let detail: string | null = null;
  if (link.state === 'reconnecting') {
    const seconds = Math.max(0, Math.round((now - link.since) / 1_000));
    detail = `cut off for ${seconds} s${link.attempt > 0 ? `, attempt ${link.attempt}` : ''}`;
  } else if (reading !== null) detail = `${wordsForCount(reading)} things read`;
  else if (missed !== null) detail = `resumed after ${wordsForCount(missed)} missed event${missed === 1 ? '' : 's'}`;
  return (
    <p className={`status ${tone}`}>
      <i aria-hidden="true" />
      <strong role="status">{word}</strong>
      {detail !== null && <span>{detail}</span>}
      {problem !== null && <span className="problem">{problem}</span>}
    </p>
  );
}
