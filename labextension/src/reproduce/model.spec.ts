import { describe, expect, it } from 'vitest';

import { LineageError } from '../api/client';
import type { IJob, IReproduction } from '../api/types';
import { FakeApi } from '../testing';
import { Reproducer } from './model';

const RESULT: IReproduction = {
  run: 'a',
  reproduction: 'b',
  verdict: 'different',
  executions: [],
  files: [],
  metrics: [],
  environment: {}
};

function job(values: Partial<IJob>): IJob {
  return {
    state: 'running',
    phase: 'cells',
    done: 0,
    total: 2,
    result: null,
    error: null,
    ...values
  };
}

describe('Reproducer', () => {
  it('tells progress, then the verdict once', async () => {
    const api = new FakeApi();
    api.jobs = [job({}), job({ done: 1 }), job({ state: 'done', done: 2, result: RESULT })];
    const reproducer = new Reproducer(api, 0);
    const seen: string[] = [];
    const verdicts: string[] = [];
    reproducer.changed.connect((_, run) => {
      const progress = reproducer.progressOf(run);
      seen.push(`${progress?.state} ${progress?.done}`);
    });
    reproducer.finished.connect((_, result) => verdicts.push(result.verdict));
    await reproducer.start('a');
    expect(seen).toEqual(['asked 0', 'running 0', 'running 1', 'done 2']);
    expect(verdicts).toEqual(['different']);
  });

  it('shows the paths of a refusal', async () => {
    const api = new FakeApi();
    api.refusal = new LineageError('it would write', { status: 409, paths: ['/data/x'] });
    const reproducer = new Reproducer(api, 0);
    await reproducer.start('a');
    expect(reproducer.progressOf('a')).toMatchObject({ state: 'refused', paths: ['/data/x'] });
    expect(reproducer.isBusy('a')).toBe(false);
    reproducer.dismiss('a');
    expect(reproducer.progressOf('a')).toBeNull();
  });

  it('gives up on a job that the server forgot', async () => {
    const api = new FakeApi();
    api.failure = new LineageError('there is no job', { status: 404 });
    const reproducer = new Reproducer(api, 0);
    await reproducer.start('a');
    expect(reproducer.progressOf('a')).toMatchObject({ state: 'failed' });
  });

  it('does not start the same run twice', async () => {
    const api = new FakeApi();
    api.jobs = [job({ state: 'done', result: RESULT })];
    const reproducer = new Reproducer(api, 0);
    let verdicts = 0;
    reproducer.finished.connect(() => (verdicts += 1));
    await Promise.all([reproducer.start('a'), reproducer.start('a')]);
    expect(verdicts).toBe(1);
  });
});
