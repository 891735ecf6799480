import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { IRunDetail } from '../api/types';
import { ErrorNote } from '../components/note';
import { type ITrans, TransProvider, useTrans } from '../components/trans';
import { runTitle } from '../format';
import { lineageIcon } from '../icons';
import type { Reproducer } from '../reproduce/model';
import { ReproduceNote } from '../reproduce/note';
import { Cells } from './cells';
import { Comparison } from './comparison';
import { Environment } from './environment';
import { Files } from './files';
import { RunHeader } from './header';
import type { RunModel } from './model';
import { Missing } from './missing';
import { type ITab, Tabs } from './tabs';
import { Values } from './values';

export interface IRunPageProps {
  model: RunModel;
  rendermime: IRenderMimeRegistry;
  languages: IEditorLanguageRegistry | null;
  reproducer: Reproducer;
  openRun: (id: string) => void;
}

/** One run, whole. */
export class RunPage extends ReactWidget {
  private readonly _props: IRunPageProps;
  private readonly _trans: ITrans;

  constructor(props: IRunPageProps, trans: ITrans) {
    super();
    this._props = props;
    this._trans = trans;
    this.addClass('jp-Lineage-RunPage');
    this.title.icon = lineageIcon;
    this.title.label = trans.trans.__('Run');
    props.model.stateChanged.connect(this._onState, this);
    props.reproducer.changed.connect(this._onProgress, this);
  }

  get runId(): string {
    return this._props.model.id;
  }

  protected override render(): React.JSX.Element {
    return (
      <TransProvider value={this._trans}>
        <UseSignal signal={this._props.model.stateChanged}>
          {() => <Page {...this._props} />}
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

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._props.model.isActive = this.isVisible;
  }

  private _onState(): void {
    const run = this._props.model.run;
    if (run) {
      const { trans } = this._trans;
      const title = runTitle(run, trans.__('Run'));
      this.title.label = run.reproduction ? trans.__('%1 (reproduced)', title) : title;
      this.title.caption = `${run.notebook ?? title}\n${run.id}`;
    }
  }

  private _onProgress(_: Reproducer, id: string): void {
    if (id === this.runId) {
      this.update();
    }
  }
}

function Page(props: IRunPageProps): React.JSX.Element {
  const { model, reproducer } = props;
  const { trans } = useTrans();
  const run = model.run;
  if (!run) {
    return model.error ? (
      <ErrorNote error={model.error} retry={() => void model.refresh()} />
    ) : (
      <div className="jp-Lineage-Loading">{trans.__('Loading…')}</div>
    );
  }
  const progress = reproducer.progressOf(run.id);
  return (
    <>
      <RunHeader
        run={run}
        isBusy={reproducer.isBusy(run.id)}
        reproduce={() => void reproducer.start(run.id)}
        openRun={props.openRun}
      />
      {model.error && (
        <ErrorNote error={model.error} retry={() => void model.refresh()} />
      )}
      {progress && (
        <ReproduceNote
          progress={progress}
          openRun={props.openRun}
          dismiss={() => reproducer.dismiss(run.id)}
        />
      )}
      <Missing run={run} />
      <Tabs tabs={tabsOf(props, run, trans)} />
    </>
  );
}

function tabsOf(props: IRunPageProps, run: IRunDetail, trans: ITrans['trans']): ITab[] {
  const values =
    Object.keys(run.params).length + Object.keys(run.metrics).length + run.trials.length;
  const tabs: ITab[] = [
    {
      id: 'cells',
      label: trans.__('Cells'),
      count: run.executions.length,
      body: () => <Cells {...props} run={run} />
    },
    {
      id: 'files',
      label: trans.__('Files'),
      count: run.files.length,
      body: () => <Files run={run} />
    },
    {
      id: 'environment',
      label: trans.__('Environment'),
      body: () => <Environment run={run} />
    },
    {
      id: 'values',
      label: trans.__('Parameters & metrics'),
      count: values,
      body: () => <Values run={run} openRun={props.openRun} />
    }
  ];
  const reproduction = run.reproduction;
  if (reproduction) {
    tabs.unshift({
      id: 'verdict',
      label: trans.__('Verdict'),
      body: () => <Comparison run={run} reproduction={reproduction} />
    });
  }
  return tabs;
}
