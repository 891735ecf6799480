import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { IChanges } from '../api/changes';
import { asLineageError, type ILineageApi, type LineageError } from '../api/client';
import type {
  IExecution,
  IExecutionVerdict,
  IOutputs,
  IRunDetail
} from '../api/types';

/** One run, kept up to date while its page is seen and something may still change. */
export class RunModel implements IDisposable {
  readonly id: string;
  private readonly _api: ILineageApi;
  private readonly _changes: IChanges;
  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _outputs = new Map<string, Promise<IOutputs>>();
  private _run: IRunDetail | null = null;
  private _error: LineageError | null = null;
  private _isActive = false;
  private _isStale = true;
  private _isRefreshing = false;
  private _isDisposed = false;

  constructor(id: string, api: ILineageApi, changes: IChanges) {
    this.id = id;
    this._api = api;
    this._changes = changes;
    this._changes.changed.connect(this._onChanged, this);
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get run(): IRunDetail | null {
    return this._run;
  }

  get error(): LineageError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  set isActive(value: boolean) {
    this._isActive = value;
    if (value && this._isStale) {
      void this.refresh();
    }
  }

  async refresh(): Promise<void> {
    if (this._isRefreshing || this._isDisposed) {
      this._isStale = true;
      return;
    }
    this._isRefreshing = true;
    this._isStale = false;
    try {
      this._run = await this._api.getRun(this.id);
      this._error = null;
    } catch (reason) {
      this._error = asLineageError(reason);
    }
    this._isRefreshing = false;
    this._stateChanged.emit();
    if (this._isStale && this._isActive) {
      await this.refresh();
    }
  }

  /**
   * What a cell put out. Kept once known: an execution's outputs never change, but they come a
   * little later than its end.
   */
  outputsOf(execution: IExecution): Promise<IOutputs> {
    const key = `${execution.number}:${execution.status}:${execution.outputs_hash ?? ''}`;
    let outputs = this._outputs.get(key);
    if (!outputs) {
      outputs = this._api.getOutputs(this.id, execution.number);
      outputs.catch(() => this._outputs.delete(key));
      this._outputs.set(key, outputs);
    }
    return outputs;
  }

  dispose(): void {
    this._isDisposed = true;
    this._changes.changed.disconnect(this._onChanged, this);
    Signal.clearData(this);
  }

  private _onChanged(): void {
    this._isStale = true;
    if (this._isActive) {
      void this.refresh();
    }
  }
}

/** The verdicts of a reproduction's cells by the number of the cell. */
export function cellVerdicts(run: IRunDetail): Map<number, IExecutionVerdict> {
  return new Map(run.reproduction?.executions.map(cell => [cell.number, cell]));
}

/** How many of the compared things came out the same. */
export function sameOf(verdicts: readonly { verdict: string }[]): {
  same: number;
  all: number;
} {
  const same = verdicts.filter(
    ({ verdict }) => verdict === 'identical' || verdict === 'equivalent'
  );
  return { same: same.length, all: verdicts.length };
}
