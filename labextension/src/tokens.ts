import { Token } from '@lumino/coreutils';

import type { IChanges } from './api/changes';
import type { ILineageApi } from './api/client';
import type { Reproducer } from './reproduce/model';

/** What the pages share: the server's answers, the news, and the reproductions that run. */
export interface ILineage {
  readonly api: ILineageApi;
  readonly changes: IChanges;
  readonly reproducer: Reproducer;
}

export const ILineage = new Token<ILineage>(
  'jupyter-lineage:ILineage',
  'Recorded runs: the server that knows them, the news about them, and running them again.'
);

/** Ids of our commands. */
export namespace CommandIDs {
  export const openPanel = 'lineage:open-panel';
  export const openRun = 'lineage:open-run';
  export const reproduceRun = 'lineage:reproduce-run';
}
