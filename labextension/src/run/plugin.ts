import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { translation } from '../plugin';
import { CommandIDs, ILineage } from '../tokens';
import { RunModel } from './model';
import { RunPage } from './view';

/** The page of one run, in the main area, and running it again. */
export const runPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-lineage:run',
  description: 'Shows one recorded run and reproduces it.',
  autoStart: true,
  requires: [ILineage, IRenderMimeRegistry],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, ILabShell, IEditorLanguageRegistry],
  activate: (
    app: JupyterFrontEnd,
    lineage: ILineage,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    labShell: ILabShell | null,
    languages: IEditorLanguageRegistry | null
  ): void => {
    const { commands } = app;
    const words = translation(translator);
    const { trans } = words;
    const tracker = new WidgetTracker<MainAreaWidget<RunPage>>({ namespace: 'lineage-run' });
    // Lab's main area holds many pages; Notebook 7's holds the notebook alone.
    const area = labShell ? 'main' : 'right';

    const makePage = (id: string): MainAreaWidget<RunPage> => {
      const model = new RunModel(id, lineage.api, lineage.changes);
      const content = new RunPage(
        {
          model,
          rendermime,
          languages,
          reproducer: lineage.reproducer,
          openRun: run => void commands.execute(CommandIDs.openRun, { id: run })
        },
        words
      );
      content.disposed.connect(() => model.dispose());
      const page = new MainAreaWidget({ content });
      page.id = `jp-lineage-run-${id}`;
      page.title.closable = true;
      page.toolbar.hide();
      void tracker.add(page);
      return page;
    };

    const idFrom = (args: ReadonlyPartialJSONObject): string | null => {
      if (typeof args.id === 'string') {
        return args.id;
      }
      const row = app.contextMenuHitTest(node => node.dataset.run !== undefined);
      return row?.dataset.run ?? tracker.currentWidget?.content.runId ?? null;
    };

    commands.addCommand(CommandIDs.openRun, {
      label: trans.__('Open Run'),
      isEnabled: args => idFrom(args) !== null,
      execute: args => {
        const id = idFrom(args);
        if (id === null) {
          return;
        }
        const page = tracker.find(({ content }) => content.runId === id) ?? makePage(id);
        if (!page.isAttached) {
          app.shell.add(page, area, { type: 'Lineage' });
        }
        app.shell.activateById(page.id);
      }
    });
    commands.addCommand(CommandIDs.reproduceRun, {
      label: trans.__('Reproduce Run'),
      caption: trans.__('Run it again in a fresh kernel and folder, and compare'),
      isEnabled: args => idFrom(args) !== null,
      execute: async args => {
        const id = idFrom(args);
        if (id !== null) {
          await commands.execute(CommandIDs.openRun, { id });
          void lineage.reproducer.start(id);
        }
      }
    });
    lineage.reproducer.finished.connect((_, result) => {
      void commands.execute(CommandIDs.openRun, { id: result.reproduction });
    });
    palette?.addItem({ command: CommandIDs.reproduceRun, category: trans.__('Lineage') });
    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.openRun,
        args: page => ({ id: page.content.runId }),
        name: page => page.content.runId
      });
    }
  }
};
