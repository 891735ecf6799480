import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { Empty, ErrorNote } from '../components/note';
import { type ITrans, TransProvider, useTrans } from '../components/trans';
import { lineageIcon } from '../icons';
import { RunFilter, StatusFilter } from './filter';
import { type IRunListProps, RunList } from './list';
import type { RunsModel } from './model';

/** The panel in the left sidebar. */
export class RunsPanel extends ReactWidget {
  private readonly _props: IRunListProps;
  private readonly _trans: ITrans;

  constructor(props: IRunListProps, trans: ITrans) {
    super();
    this._props = props;
    this._trans = trans;
    this.id = 'jp-lineage-runs';
    this.addClass('jp-Lineage-RunsPanel');
    this.title.icon = lineageIcon;
    this.title.caption = trans.trans.__('Lineage: recorded runs');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.trans.__('Lineage'));
  }

  protected override render(): React.JSX.Element {
    return (
      <TransProvider value={this._trans}>
        <UseSignal signal={this._props.model.stateChanged}>
          {() => <Runs {...this._props} />}
        </UseSignal>
      </TransProvider>
    );
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._props.model.isActive = true;
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this._props.model.isActive = false;
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    const list = this.node.querySelector<HTMLElement>('.jp-Lineage-RunList');
    (list ?? this.node).focus();
  }
}

function Runs(props: IRunListProps): React.JSX.Element {
  const { model } = props;
  const { trans } = useTrans();
  const isEmpty = model.isLoaded && model.runs.length === 0 && !model.error;
  const hasFilter = !isEmpty || model.isFiltered;
  return (
    <>
      <div className="jp-Lineage-RunsPanel-head">
        <span className="jp-Lineage-RunsPanel-title">{trans.__('Lineage')}</span>
        {hasFilter && <StatusFilter model={model} />}
      </div>
      {hasFilter && <RunFilter model={model} />}
      {model.error && (
        <ErrorNote error={model.error} retry={() => void model.refresh()} />
      )}
      {isEmpty ? <NoRuns model={model} /> : <RunList {...props} />}
    </>
  );
}

function NoRuns(props: { model: RunsModel }): React.JSX.Element {
  const { trans } = useTrans();
  const { model } = props;
  if (model.isFiltered) {
    return (
      <Empty head={trans.__('No run matches')}>
        <button
          className="jp-Lineage-Link"
          onClick={() => void model.setFilter({ notebook: '', status: '' })}
        >
          {trans.__('Show all runs')}
        </button>
      </Empty>
    );
  }
  return (
    <Empty head={trans.__('No runs yet')}>
      {trans.__(
        'Open a notebook and run a cell: its run appears here by itself. A kernel that was already running is recorded from its next restart.'
      )}
    </Empty>
  );
}
