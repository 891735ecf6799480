import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { ITranslator } from '@jupyterlab/translation';

import { translation } from '../plugin';
import { CommandIDs, ILineage } from '../tokens';
import { RunsModel } from './model';
import { RunsPanel } from './view';

/** The server sets it in the page when it was started with `--LineageExtension.open_panel`. */
const OPEN_PANEL = 'lineageOpenPanel';

/** The left sidebar's list of runs. */
export const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-lineage:runs',
  description: 'Lists the recorded runs in the left sidebar.',
  autoStart: true,
  requires: [ILineage],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    lineage: ILineage,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const words = translation(translator);
    const model = new RunsModel(lineage.api, lineage.changes);
    const execute = (command: string, id: string): void => {
      void app.commands.execute(command, { id });
    };
    const panel = new RunsPanel(
      {
        model,
        reproducer: lineage.reproducer,
        open: run => execute(CommandIDs.openRun, run.id),
        reproduce: run => execute(CommandIDs.reproduceRun, run.id)
      },
      words
    );
    panel.disposed.connect(() => model.dispose());
    app.shell.add(panel, 'left', { rank: 350, type: 'Lineage' });
    restorer?.add(panel, panel.id);
    if (PageConfig.getOption(OPEN_PANEL) === 'true') {
      void app.restored.then(() => app.shell.activateById(panel.id));
    }

    app.commands.addCommand(CommandIDs.openPanel, {
      label: words.trans.__('Show Recorded Runs'),
      caption: words.trans.__('Open the lineage panel in the left sidebar'),
      execute: () => app.shell.activateById(panel.id)
    });
    palette?.addItem({
      command: CommandIDs.openPanel,
      category: words.trans.__('Lineage')
    });
    app.contextMenu.addItem({
      command: CommandIDs.openRun,
      selector: '.jp-Lineage-RunRow',
      rank: 1
    });
    app.contextMenu.addItem({
      command: CommandIDs.reproduceRun,
      selector: '.jp-Lineage-RunRow',
      rank: 2
    });
  }
};
