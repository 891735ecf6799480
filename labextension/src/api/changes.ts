import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, type IStream, Signal } from '@lumino/signaling';

const CHANGED = 'https://events.jupyter-lineage.org/changed/v1';

/** Says that something was recorded; what it was, the REST routes tell. */
export interface IChanges {
  readonly changed: ISignal<IChanges, void>;
}

/**
 * Changes as they come over Jupyter's event bus, and now and then unasked: a proxy may swallow
 * websockets, and an event that was sent while the connection was down never comes again.
 */
export class Changes implements IChanges, IDisposable {
  private readonly _changed = new Signal<this, void>(this);
  private readonly _stream: IStream<unknown, Event.Emission>;
  private readonly _poll: Poll;

  constructor(stream: IStream<unknown, Event.Emission>, seconds: number) {
    this._stream = stream;
    this._stream.connect(this._onEvent, this);
    this._poll = new Poll({
      name: 'jupyter-lineage:changes',
      factory: async () => this._changed.emit(),
      frequency: { interval: seconds * 1000, backoff: false },
      standby: 'when-hidden'
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Look unasked every so many seconds. */
  setInterval(seconds: number): void {
    this._poll.frequency = { interval: seconds * 1000, backoff: false, max: seconds * 2000 };
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._stream.disconnect(this._onEvent, this);
    this._poll.dispose();
    Signal.clearData(this);
  }

  private _onEvent(_: unknown, emission: Event.Emission): void {
    if (emission.schema_id === CHANGED) {
      this._changed.emit();
    }
  }
}
