import { lineagePlugin } from './plugin';
import { runPlugin } from './run/plugin';
import { runsPlugin } from './runs/plugin';
import { statusPlugin } from './status/plugin';

export { CommandIDs, ILineage } from './tokens';

export default [lineagePlugin, runsPlugin, runPlugin, statusPlugin];
