import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { asLineageError, type ILineageApi } from '../api/client';
import type { IJob, IReproduction } from '../api/types';

/** A reproduction as the page shows it, from the click to the verdict. */
export interface IProgress {
  /** `asked` until the server has taken it; `refused` is its answer when originals are in danger. */
  state: 'asked' | 'running' | 'done' | 'refused' | 'failed';
  phase: string;
  done: number;
  total: number;
  result: IReproduction | null;
  error: string;
  hint: string;
  paths: readonly string[];
}

const BEGIN: IProgress = {
  state: 'asked',
  phase: '',
  done: 0,
  total: 0,
  result: null,
  error: '',
  hint: '',
  paths: []
};

/** So many unanswered questions about a job, one after another, and we stop asking. */
const PATIENCE = 5;

/** Runs that are being reproduced, by the id of the original. */
export class Reproducer implements IDisposable {
  private readonly _api: ILineageApi;
  private readonly _pause: number;
  private readonly _progress = new Map<string, IProgress>();
  private readonly _changed = new Signal<this, string>(this);
  private readonly _finished = new Signal<this, IReproduction>(this);
  private _isDisposed = false;

  constructor(api: ILineageApi, pauseMilliseconds = 400) {
    this._api = api;
    this._pause = pauseMilliseconds;
  }

  /** Emits the original's id whenever its progress changed. */
  get changed(): ISignal<this, string> {
    return this._changed;
  }

  /** Emits the verdict of each reproduction that came to one. */
  get finished(): ISignal<this, IReproduction> {
    return this._finished;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** How far the reproduction of a run is, or null where none was asked for here. */
  progressOf(run: string): IProgress | null {
    return this._progress.get(run) ?? null;
  }

  isBusy(run: string): boolean {
    const state = this._progress.get(run)?.state;
    return state === 'asked' || state === 'running';
  }

  /** Take the last answer from the page: the reader has seen it. */
  dismiss(run: string): void {
    if (!this.isBusy(run) && this._progress.delete(run)) {
      this._changed.emit(run);
    }
  }

  /** Reproduce a run; what becomes of it is told by the signals. Never rejects. */
  async start(run: string): Promise<void> {
    if (this.isBusy(run)) {
      return;
    }
    this._set(run, BEGIN);
    try {
      await this._follow(run, await this._api.reproduce(run));
    } catch (reason) {
      const error = asLineageError(reason);
      this._set(run, {
        ...BEGIN,
        state: error.status === 409 ? 'refused' : 'failed',
        error: error.message,
        hint: error.hint,
        paths: error.paths
      });
    }
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private async _follow(run: string, id: string): Promise<void> {
    while (!this._isDisposed) {
      const job = await this._ask(id);
      this._set(run, progressFrom(job));
      if (job.state === 'done' && job.result) {
        this._finished.emit(job.result);
      }
      if (job.state !== 'running') {
        return;
      }
      await sleep(this._pause);
    }
  }

  /** A connection that is down for a moment is no failed reproduction: ask again. */
  private async _ask(id: string): Promise<IJob> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this._api.getJob(id);
      } catch (reason) {
        if (asLineageError(reason).status !== 0 || attempt === PATIENCE) {
          throw reason;
        }
        await sleep(this._pause * 2 ** attempt);
      }
    }
  }

  private _set(run: string, progress: IProgress): void {
    this._progress.set(run, progress);
    this._changed.emit(run);
  }
}

function progressFrom(job: IJob): IProgress {
  return {
    ...BEGIN,
    state: job.state,
    phase: job.phase,
    done: job.done,
    total: job.total,
    result: job.result,
    error: job.error ?? ''
  };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}
