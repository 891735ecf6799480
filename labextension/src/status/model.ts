import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { IChanges } from '../api/changes';
import { asLineageError, type ILineageApi } from '../api/client';
import type { IStatus } from '../api/types';

/** Whether the kernel of the document in front is recorded. */
export class StatusModel implements IDisposable {
  private readonly _api: ILineageApi;
  private readonly _changes: IChanges;
  private readonly _stateChanged = new Signal<this, void>(this);
  private _kernelId: string | null = null;
  private _status: IStatus | null = null;
  private _problem = '';
  private _isRefreshing = false;
  private _isStale = false;
  private _isDisposed = false;

  constructor(api: ILineageApi, changes: IChanges) {
    this._api = api;
    this._changes = changes;
    this._changes.changed.connect(this._onChanged, this);
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** The kernel asked about; null where the document in front has none. */
  get kernelId(): string | null {
    return this._kernelId;
  }

  get status(): IStatus | null {
    return this._status;
  }

  /** Why nothing is known, in words; empty when all is well. */
  get problem(): string {
    return this._problem;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Ask about another kernel, or about the same one again (it may have been restarted). */
  setKernel(id: string | null): Promise<void> {
    if (id !== this._kernelId) {
      this._kernelId = id;
      this._status = null;
      this._problem = '';
      this._stateChanged.emit();
    }
    return this.refresh();
  }

  async refresh(): Promise<void> {
    if (this._isRefreshing) {
      this._isStale = true;
      return;
    }
    this._isRefreshing = true;
    do {
      this._isStale = false;
      await this._ask();
    } while (this._isStale && !this._isDisposed);
    this._isRefreshing = false;
  }

  dispose(): void {
    this._isDisposed = true;
    this._changes.changed.disconnect(this._onChanged, this);
    Signal.clearData(this);
  }

  private async _ask(): Promise<void> {
    const id = this._kernelId;
    if (id === null) {
      return;
    }
    let status: IStatus | null = null;
    let problem = '';
    try {
      status = await this._api.getStatus(id);
    } catch (reason) {
      const error = asLineageError(reason);
      problem = error.hint ? `${error.message}. ${error.hint}` : error.message;
    }
    if (id === this._kernelId && !this._isDisposed) {
      this._status = status;
      this._problem = problem;
      this._stateChanged.emit();
    }
  }

  private _onChanged(): void {
    void this.refresh();
  }
}
