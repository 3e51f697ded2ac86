import { wordsForNumber } from './words';

export interface ChartPoint {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly value: number;
}

interface ChartProps {
  readonly points: readonly ChartPoint[];
  readonly label: string;
  readonly now: number;
}

const [WIDTH, HEIGHT] = [400, 150];
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 8, 8, 20];
const SHORTEST_MS = 60_000;
const LONGEST_MS = 600_000;
const POINTS_WITH_DOTS = 80;
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** A line that grows to the right: the last minute, and up to ten when there is as much. */
export function Chart({ points, label, now }: ChartProps) {
  const latest = points.at(-1);
  if (latest === undefined) return <p className="chart empty">Waiting for its next report.</p>;

  const end = Math.max(now, latest.at);
  const begin = Math.max(Math.min(points[0]?.at ?? end, end - SHORTEST_MS), end - LONGEST_MS);
  const shown = points.filter((point) => point.at >= begin);
  const { low, high, ticks } = rangeOf(shown.map((point) => point.value));
  const x = (at: number): number => LEFT + ((at - begin) / (end - begin)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const line = shown.map((point) => `${x(point.at).toFixed(1)},${y(point.value).toFixed(1)}`).join(' ');
  const first = shown[0] ?? latest;
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" data-points={points.length}
      aria-label={`${label}: ${wordsForNumber(latest.value)} now, from ${wordsForNumber(low)} to ${wordsForNumber(high)}`}>
      {ticks.map((tick) => (
        <g key={tick}>
          <line className="rule" x1={LEFT} x2={WIDTH - RIGHT} y1={y(tick)} y2={y(tick)} />
          <text x={LEFT - 6} y={y(tick) + 3.5} textAnchor="end">{wordsForNumber(tick)}</text>
        </g>
      ))}
      <text x={LEFT} y={HEIGHT - 4}>{clock.format(begin)}</text>
      <text x={WIDTH - RIGHT} y={HEIGHT - 4} textAnchor="end">{clock.format(end)}</text>
      <polygon className="area" points={`${x(first.at)},${HEIGHT - BOTTOM} ${line} ${x(latest.at)},${HEIGHT - BOTTOM}`} />
      <polyline className="line" points={line} />
      {shown.length <= POINTS_WITH_DOTS &&
        shown.map((point) => <circle key={point.at} cx={x(point.at)} cy={y(point.value)} r={1.8} />)}
      <circle className="latest" cx={x(latest.at)} cy={y(latest.value)} r={3.5} />
    </svg>
  );
}

/** Round numbers below and above the values, and the ones between. */
function rangeOf(values: readonly number[]): { low: number; high: number; ticks: number[] } {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const rough = Math.max((most - least) / 3, Math.abs(most) * 0.002, 1e-6);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  // What does not change is drawn in the middle.
  const low = (Math.floor(least / step) - (least === most ? 1 : 0)) * step;
  const steps = Math.max(2, Math.ceil((most - low) / step - 1e-9));
  return { low, high: low + steps * step, ticks: Array.from({ length: steps + 1 }, (_, index) => low + index * step) };
}
