/** How values are written. */

import type { Values } from '../fleet/types';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat('en', { maximumFractionDigits: 5 });

export function wordsForCount(count: number): string {
  return whole.format(count);
}

export function wordsForNumber(value: number): string {
  return decimal.format(value);
}

export function wordsForValue(value: unknown): string {
  if (typeof value === 'number') return wordsForNumber(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `batteryPercent` as `battery percent`, `EDGE_GATEWAY` as `edge gateway`. */
export function wordsForKey(key: string): string {
  return key.replace(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase();
}

/** The age of a moment: `4 s`, `3 min`, `2 h`, `5 d`. */
export function wordsForAge(moment: string | null, now: number): string {
  if (moment === null) return 'never';
  const seconds = Math.max(0, Math.round((now - Date.parse(moment)) / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** The keys of a state that hold numbers; the one that is wanted comes first, when it is among them. */
export function numericKeys(values: Values | undefined, wanted: string | null): string[] {
  const keys = Object.entries(values ?? {}).flatMap(([key, value]) => (typeof value === 'number' ? [key] : []));
  return wanted !== null && keys.includes(wanted) ? [wanted, ...keys.filter((key) => key !== wanted)] : keys;
}
