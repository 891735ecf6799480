import { describe, expect, it } from 'vitest';

import { errorOf } from './api/client';
import {
  baseName,
  duration,
  fileSize,
  folderOf,
  pathBelow,
  pathEnd,
  relativeTime,
  runSeconds,
  shortHash,
  valueText
} from './format';

const NOW = Date.parse('2026-01-05T12:00:00Z');

describe('times', () => {
  it.each([
    ['2026-01-05T11:59:58Z', 'now'],
    ['2026-01-05T11:59:18Z', '42 sec. ago'],
    ['2026-01-05T11:57:01Z', '2 min. ago'],
    ['2026-01-04T11:00:00Z', 'yesterday'],
    ['2025-01-01T00:00:00Z', 'last yr.'],
    ['nonsense', '']
  ])('%s is %s', (at, expected) => {
    expect(relativeTime(at, NOW, 'en')).toBe(expected);
  });

  it('takes a language code as Jupyter writes it', () => {
    expect(relativeTime('2026-01-05T11:00:00Z', NOW, 'de_DE')).toContain('Std');
  });

  it.each([
    [null, ''],
    [0.0004, '0.4 ms'],
    [0.012, '12 ms'],
    [0.9996, '1.0 s'],
    [3.42, '3.4 s'],
    [12.6, '13 s'],
    [59.97, '1 min 00 s'],
    [125, '2 min 05 s'],
    [3599.9, '1 h 00 min'],
    [11220, '3 h 07 min'],
    [Number.NaN, '']
  ])('%s seconds are "%s"', (seconds, expected) => {
    expect(duration(seconds)).toBe(expected);
  });

  it('a run that has not ended has been running until now', () => {
    const run = { started_at: '2026-01-05T11:59:00Z', ended_at: null };
    expect(runSeconds(run, NOW)).toBe(60);
    expect(runSeconds({ ...run, ended_at: '2026-01-05T11:59:30Z' }, NOW)).toBe(30);
  });
});

describe('sizes and names', () => {
  it.each([
    [null, ''],
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [12_345_678, '12 MB'],
    [5e15, '5.0 PB']
  ])('%s bytes are "%s"', (bytes, expected) => {
    expect(fileSize(bytes)).toBe(expected);
  });

  it('shortens hashes and paths without losing what tells them apart', () => {
    expect(shortHash('blake3:0123456789abcdef')).toBe('0123456789');
    expect(baseName('/a/b.ipynb')).toBe('b.ipynb');
    expect(baseName('C:\\a\\b.ipynb')).toBe('b.ipynb');
    expect(pathBelow('/work/data/x.csv', '/work')).toBe('data/x.csv');
    expect(pathBelow('/workshop/x.csv', '/work')).toBe('/workshop/x.csv');
    expect(pathBelow('/x.csv', null)).toBe('/x.csv');
    expect(folderOf('/work/a.ipynb')).toBe('/work');
    expect(folderOf(null)).toBe('');
    expect(pathEnd('/home/a/.local/share/jupyter-lineage/lineage.db', 30)).toBe(
      '…/jupyter-lineage/lineage.db'
    );
    expect(pathEnd('/l.db', 30)).toBe('/l.db');
  });

  it('shows any value on one line', () => {
    expect([0.1, 'a', null, [1], { a: 1 }, undefined].map(valueText)).toEqual([
      '0.1',
      'a',
      'null',
      '[1]',
      '{"a":1}',
      ''
    ]);
  });
});

describe('errors', () => {
  it('are the server’s words, or say that it is not ours', () => {
    expect(errorOf(503, { error: 'damaged', hint: 'move it' })).toMatchObject({
      message: 'damaged',
      hint: 'move it'
    });
    expect(errorOf(404, null).message).toMatch(/no lineage routes/);
    expect(errorOf(502, null).message).toContain('502');
    expect(errorOf(403, { message: 'Forbidden' }).message).toBe('Forbidden');
  });
});
