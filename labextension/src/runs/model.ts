import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { IChanges } from '../api/changes';
import { asLineageError, type ILineageApi, type LineageError } from '../api/client';
import type { IRun, RunStatus } from '../api/types';

const PAGE = 50;
/** The server sends no more at once. */
const MOST = 500;

export interface IFilter {
  notebook: string;
  status: RunStatus | '';
}

/** The list of runs, newest first: loaded in pages, kept up to date while somebody looks. */
export class RunsModel implements IDisposable {
  private readonly _api: ILineageApi;
  private readonly _changes: IChanges;
  private readonly _stateChanged = new Signal<this, void>(this);
  private _runs: readonly IRun[] = [];
  private _next: string | null = null;
  private _filter: IFilter = { notebook: '', status: '' };
  private _selected: string | null = null;
  private _error: LineageError | null = null;
  private _isLoaded = false;
  private _isLoadingMore = false;
  private _isActive = false;
  private _isStale = true;
  private _isRefreshing = false;
  /** Answers to a filter that is no longer the filter are dropped. */
  private _generation = 0;
  private _isDisposed = false;

  constructor(api: ILineageApi, changes: IChanges) {
    this._api = api;
    this._changes = changes;
    this._changes.changed.connect(this._onChanged, this);
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get runs(): readonly IRun[] {
    return this._runs;
  }

  /** Whether older runs can be loaded. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  get isLoaded(): boolean {
    return this._isLoaded;
  }

  get isFiltered(): boolean {
    return this._filter.notebook !== '' || this._filter.status !== '';
  }

  get filter(): IFilter {
    return this._filter;
  }

  /** What went wrong last, until something goes right. */
  get error(): LineageError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get selected(): string | null {
    return this._selected;
  }

  set selected(id: string | null) {
    if (id !== this._selected) {
      this._selected = id;
      this._stateChanged.emit();
    }
  }

  /** Whether somebody can see the list; nothing is asked of the server while nobody can. */
  get isActive(): boolean {
    return this._isActive;
  }

  set isActive(value: boolean) {
    this._isActive = value;
    if (value && this._isStale) {
      void this.refresh();
    }
  }

  setFilter(filter: IFilter): Promise<void> {
    this._filter = filter;
    this._generation += 1;
    this._runs = [];
    this._next = null;
    this._isLoaded = false;
    this._isRefreshing = false;
    this._isLoadingMore = false;
    this._stateChanged.emit();
    return this.refresh();
  }

  /** Ask for what is loaded again; older pages than one reply can hold stay as they are. */
  async refresh(): Promise<void> {
    if (this._isRefreshing) {
      this._isStale = true;
      return;
    }
    this._isRefreshing = true;
    this._isStale = false;
    const generation = this._generation;
    const limit = Math.min(Math.max(this._runs.length, PAGE), MOST);
    try {
      const page = await this._api.listRuns({ ...this._filter, limit });
      if (generation === this._generation) {
        this._take(page.runs, page.next);
      }
    } catch (reason) {
      this._fail(generation, reason);
    }
    if (generation !== this._generation || this._isDisposed) {
      return;
    }
    this._isRefreshing = false;
    this._stateChanged.emit();
    if (this._isStale && this._isActive) {
      await this.refresh();
    }
  }

  /** Load the next page of older runs, if there is one and it is not being loaded. */
  async loadMore(): Promise<void> {
    if (this._next === null || this._isLoadingMore) {
      return;
    }
    this._isLoadingMore = true;
    const generation = this._generation;
    const before = this._next;
    try {
      const page = await this._api.listRuns({ ...this._filter, limit: PAGE, before });
      // A refresh in between may have brought these runs already.
      if (generation === this._generation && before === this._next) {
        this._runs = [...this._runs, ...page.runs];
        this._next = page.next;
        this._error = null;
      }
    } catch (reason) {
      this._fail(generation, reason);
    }
    if (generation === this._generation && !this._isDisposed) {
      this._isLoadingMore = false;
      this._stateChanged.emit();
    }
  }

  /** Move the selection by so many rows; selects the first one where none is selected. */
  moveSelection(rows: number): number {
    const last = this._runs.length - 1;
    const at = this._runs.findIndex(run => run.id === this._selected);
    const to = at < 0 ? 0 : Math.min(Math.max(at + rows, 0), last);
    this.selected = this._runs[to]?.id ?? null;
    return to;
  }

  dispose(): void {
    this._isDisposed = true;
    this._changes.changed.disconnect(this._onChanged, this);
    Signal.clearData(this);
  }

  private _take(fresh: readonly IRun[], next: string | null): void {
    const last = fresh[fresh.length - 1]?.id;
    const meets = this._runs.findIndex(run => run.id === last);
    const older = next !== null && meets >= 0 ? this._runs.slice(meets + 1) : [];
    this._runs = [...fresh, ...older];
    this._next = older.length > 0 ? this._next : next;
    this._isLoaded = true;
    this._error = null;
  }

  private _fail(generation: number, reason: unknown): void {
    if (generation === this._generation) {
      this._error = asLineageError(reason);
      this._isLoaded = true;
    }
  }

  private _onChanged(): void {
    this._isStale = true;
    if (this._isActive) {
      void this.refresh();
    }
  }
}
