import type { IRun } from './api/types';

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 24 * 3600],
  ['month', 30 * 24 * 3600],
  ['week', 7 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60]
];

/** Jupyter's language codes have underscores, the browser's dashes. */
function locale(language: string | undefined): string | undefined {
  return language?.replace('_', '-');
}

/** How long ago, in the reader's language: "3 min. ago". */
export function relativeTime(at: string, now: number, language?: string): string {
  const seconds = (Date.parse(at) - now) / 1000;
  if (Number.isNaN(seconds)) {
    return '';
  }
  const format = new Intl.RelativeTimeFormat(locale(language), {
    numeric: 'auto',
    style: 'short'
  });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) {
      return format.format(Math.trunc(seconds / length), unit);
    }
  }
  return format.format(Math.abs(seconds) < 10 ? 0 : Math.trunc(seconds), 'second');
}

/** The exact time in the reader's zone, to the second and with the zone. */
export function exactTime(at: string, language?: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? at
    : date.toLocaleString(locale(language), {
        dateStyle: 'medium',
        timeStyle: 'long'
      });
}

/** A duration as short as it can be read: "12 ms", "3.4 s", "2 min 05 s", "3 h 07 min". */
export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds) || seconds < 0) {
    return '';
  }
  if (seconds < 0.9995) {
    return `${Math.max(seconds * 1000, 0).toFixed(seconds < 0.001 ? 1 : 0)} ms`;
  }
  if (seconds < 59.95) {
    return `${seconds.toFixed(seconds < 9.95 && !Number.isInteger(seconds) ? 1 : 0)} s`;
  }
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  }
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** How long a run took, or has been running for. */
export function runSeconds(
  run: Pick<IRun, 'started_at' | 'ended_at'>,
  now: number
): number {
  const start = Date.parse(run.started_at);
  return run.ended_at
    ? Math.max(0, (Date.parse(run.ended_at) - start) / 1000)
    : Math.max(1, Math.floor((now - start) / 1000));
}

/** A size in decimal units, as file managers show it: "512 B", "1.2 kB", "3.4 GB". */
export function fileSize(bytes: number | null): string {
  if (bytes === null) {
    return '';
  }
  if (bytes < 1000) {
    return `${bytes} B`;
  }
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/** The first characters of a hash, without its algorithm's prefix. */
export function shortHash(hash: string): string {
  return hash.slice(hash.indexOf(':') + 1).slice(0, 10);
}

/** The last part of a path, or of the path's parent where it ends with a slash. */
export function baseName(path: string): string {
  const parts = path.split(/[\\/]/).filter(Boolean);
  return parts[parts.length - 1] ?? path;
}

/** What a run is called: its own name, its notebook's, or what kind it is. */
export function runTitle(run: Pick<IRun, 'name' | 'notebook'>, fallback: string): string {
  return run.name || (run.notebook ? baseName(run.notebook) : fallback);
}

/** A path as short as it stays clear: below the run's folder without that folder. */
export function pathBelow(path: string, folder: string | null | undefined): string {
  if (!folder) {
    return path;
  }
  const start = folder.endsWith('/') ? folder : `${folder}/`;
  return path.startsWith(start) ? path.slice(start.length) : path;
}

/** The folder that a path lies in, empty where there is none. */
export function folderOf(path: string | null): string {
  return path ? path.slice(0, Math.max(path.lastIndexOf('/'), 0)) : '';
}

/** The end of a long path, whole names only: "…/jupyter-lineage/lineage.db". */
export function pathEnd(path: string, length: number): string {
  const parts = path.split('/');
  let shown = parts.pop() ?? path;
  while (parts.length > 0 && shown.length + parts[parts.length - 1].length < length) {
    shown = `${parts.pop()}/${shown}`;
  }
  return parts.length > 0 ? `…/${shown}` : shown;
}

/** A parameter's value on one line. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
