import { Signal } from '@lumino/signaling';

import type { IChanges } from './api/changes';
import type { ILineageApi } from './api/client';
import type { IJob, IRun, IRunPage, IRunQuery, IStatus } from './api/types';

/** A run with defaults for all that is not said. */
export function makeRun(values: Partial<IRun> = {}): IRun {
  return {
    id: '01900000-0000-7000-8000-000000000001',
    parent_id: null,
    kind: 'session',
    name: null,
    notebook: '/work/wine.ipynb',
    status: 'completed',
    started_at: '2026-01-05T09:00:00Z',
    ended_at: '2026-01-05T09:00:10Z',
    user: 'alex',
    host: 'bench',
    params: {},
    metrics: {},
    tags: [],
    ...values
  };
}

/** So many runs, newest first, with ids `first`, `first - 1`, … */
export function makeRuns(first: number, count: number): IRun[] {
  return Array.from({ length: count }, (_, index) => makeRun({ id: String(first - index) }));
}

/** News on demand. */
export class FakeChanges implements IChanges {
  readonly changed = new Signal<this, void>(this);
}

/** A server that answers from a list of runs, and counts what it was asked. */
export class FakeApi implements ILineageApi {
  all: IRun[] = [];
  asked: IRunQuery[] = [];
  failure: Error | null = null;
  jobs: IJob[] = [];
  refusal: Error | null = null;
  status: Partial<IStatus> = {};
  kernels: string[] = [];

  async listRuns(query: IRunQuery): Promise<IRunPage> {
    this.asked.push(query);
    await Promise.resolve();
    if (this.failure) {
      throw this.failure;
    }
    const matching = this.all.filter(
      run => (run.notebook ?? '').includes(query.notebook ?? '') &&
        (!query.status || run.status === query.status)
    );
    const from = query.before ? matching.findIndex(({ id }) => id === query.before) + 1 : 0;
    const runs = matching.slice(from, from + (query.limit ?? 50));
    const next = from + runs.length < matching.length ? runs[runs.length - 1].id : null;
    return { runs, next, change: 1 };
  }

  getRun(): Promise<never> {
    return Promise.reject(new Error('not asked for in these tests'));
  }

  getOutputs(): Promise<never> {
    return Promise.reject(new Error('not asked for in these tests'));
  }

  async getStatus(kernelId: string): Promise<IStatus> {
    this.kernels.push(kernelId);
    await Promise.resolve();
    return {
      state: 'recording',
      recording: true,
      run: kernelId,
      reason: '',
      database: '/data/lineage.db',
      behind: 0,
      warning: null,
      first_time: false,
      ...this.status
    };
  }

  async reproduce(): Promise<string> {
    if (this.refusal) {
      throw this.refusal;
    }
    return 'job';
  }

  async getJob(): Promise<IJob> {
    const job = this.jobs.length > 1 ? this.jobs.shift() : this.jobs[0];
    if (this.failure || !job) {
      throw this.failure ?? new Error('no job');
    }
    return job;
  }
}
