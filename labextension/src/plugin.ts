import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Changes } from './api/changes';
import { LineageClient } from './api/client';
import type { ITrans } from './components/trans';
import { Reproducer } from './reproduce/model';
import { ILineage } from './tokens';

/** Look unasked so often: for what the event bus did not bring. */
const FALLBACK_SECONDS = 10;

/** What all pages share. */
export const lineagePlugin: JupyterFrontEndPlugin<ILineage> = {
  id: 'jupyter-lineage:lineage',
  description: 'Asks the server about recorded runs.',
  autoStart: true,
  provides: ILineage,
  optional: [ISettingRegistry],
  activate: (app: JupyterFrontEnd, registry: ISettingRegistry | null): ILineage => {
    const api = new LineageClient(app.serviceManager.serverSettings);
    const changes = new Changes(app.serviceManager.events.stream, FALLBACK_SECONDS);
    void followSettings(registry, changes);
    return { api, changes, reproducer: new Reproducer(api) };
  }
};

async function followSettings(
  registry: ISettingRegistry | null,
  changes: Changes
): Promise<void> {
  try {
    const settings = await registry?.load(lineagePlugin.id);
    const follow = (): void =>
      changes.setInterval(Number(settings?.composite.refreshSeconds ?? FALLBACK_SECONDS));
    settings?.changed.connect(follow);
    follow();
  } catch (reason) {
    console.warn('jupyter-lineage: the settings could not be read, defaults hold.', reason);
  }
}

/** Our words in the reader's language. */
export function translation(translator: ITranslator | null): ITrans {
  const chosen = translator ?? nullTranslator;
  return {
    trans: chosen.load('jupyter_lineage'),
    // "default" is Lab's word for its own English.
    language: chosen.languageCode === 'default' ? 'en' : chosen.languageCode
  };
}
