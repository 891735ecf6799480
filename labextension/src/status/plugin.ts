import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { type ISessionContext, Notification } from '@jupyterlab/apputils';
import { DocumentWidget } from '@jupyterlab/docregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';

import { pathEnd } from '../format';
import { translation } from '../plugin';
import { CommandIDs, ILineage } from '../tokens';
import { StatusModel } from './model';
import { StatusItem } from './view';

const TOLD = 'jupyter-lineage:told';
/** Lab cuts a notification at 140 characters. */
const LONGEST_PATH = 40;

/** The status bar's item, and the one-time word about what is recorded. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-lineage:status',
  description: 'Shows in the status bar whether the notebook in front is recorded.',
  autoStart: true,
  requires: [ILineage],
  optional: [ITranslator, IStatusBar, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    lineage: ILineage,
    translator: ITranslator | null,
    statusBar: IStatusBar | null,
    state: IStateDB | null
  ): void => {
    const words = translation(translator);
    const model = new StatusModel(lineage.api, lineage.changes);
    followKernel(app, model);
    tellOnce(model, words.trans, state);
    if (!statusBar) {
      return;
    }
    const open = (): void => {
      const id = model.status?.run;
      void app.commands.execute(id ? CommandIDs.openRun : CommandIDs.openPanel, id ? { id } : {});
    };
    statusBar.registerStatusItem('jupyter-lineage:status', {
      item: new StatusItem(model, words, open),
      align: 'left',
      rank: 5,
      isActive: () => model.kernelId !== null,
      activeStateChanged: model.stateChanged
    });
  }
};

/** Keep the model on the kernel of the document in front, through restarts and changes. */
function followKernel(app: JupyterFrontEnd, model: StatusModel): void {
  let session: ISessionContext | null = null;
  const onKernel = (): void => {
    void model.setKernel(session?.session?.kernel?.id ?? null);
  };
  const onCurrent = (): void => {
    const front = app.shell.currentWidget;
    const next = front instanceof DocumentWidget ? front.context.sessionContext : null;
    if (next === session) {
      return;
    }
    session?.kernelChanged.disconnect(onKernel);
    session?.statusChanged.disconnect(onStatus);
    session = next;
    session?.kernelChanged.connect(onKernel);
    session?.statusChanged.connect(onStatus);
    onKernel();
  };
  const onStatus = (_: unknown, status: string): void => {
    if (status !== 'busy' && status !== 'idle') {
      onKernel();
    }
  };
  app.shell.currentChanged?.connect(onCurrent);
  void app.restored.then(onCurrent);
}

/** Say once, in this person's Lab, what is recorded, where, and how to turn it off. */
function tellOnce(
  model: StatusModel,
  trans: ReturnType<typeof translation>['trans'],
  state: IStateDB | null
): void {
  const onStatus = async (): Promise<void> => {
    const status = model.status;
    if (!status?.first_time) {
      return;
    }
    model.stateChanged.disconnect(listener);
    if ((await state?.fetch(TOLD)) === true) {
      return;
    }
    Notification.info(
      trans.__(
        'Cells, files, code and environment are recorded on this disk (%1). To turn it off: %track off',
        pathEnd(status.database, LONGEST_PATH)
      ),
      { autoClose: false }
    );
    await state?.save(TOLD, true);
  };
  const listener = (): void => void onStatus();
  model.stateChanged.connect(listener);
}
