/**
 * A kernel that was running before the package came: the status bar says that it is not recorded
 * and what to do, and after a restart that it is. Called by test_late_install.py, which installs
 * when this prints `install` and answers with a line.
 */
import { strict as assert } from 'node:assert';
import { createInterface } from 'node:readline';

import {
  inBothThemes, openLab, openNotebook, openPanel, play, runCells, SOON, statusThatSays
} from './lab_page.mjs';

const told = JSON.parse(process.argv[2]);

async function installed() {
  const answers = createInterface({ input: process.stdin });
  console.log('install');
  await new Promise(resolve => answers.once('line', resolve));
  answers.close();
}

async function restartKernel(page) {
  await page.evaluate(async () => {
    const { sessionContext } = window.jupyterapp.shell.currentWidget.context;
    await sessionContext.restartKernel();
    await sessionContext.session.kernel.info;
  });
}

await play(async page => {
  await openLab(page, told);
  await openPanel(page);
  await openNotebook(page, told.notebook);
  await runCells(page, 1);
  await installed();
  const item = await statusThatSays(page, 'Not recorded – restart kernel');
  const button = item.getByRole('button');
  assert.match(await button.getAttribute('title'), /restart the kernel/);
  assert.equal(await page.locator('.jp-Lineage-RunRow').count(), 0, 'there is no run');
  await inBothThemes(page, told.results, 'not-recorded');
  await restartKernel(page);
  await page.evaluate(() => window.jupyterapp.commands.execute('notebook:run-all-cells'));
  await statusThatSays(page, /^Recording$/);
  const row = page.locator('.jp-Lineage-RunRow', { hasText: told.notebook });
  await row.waitFor({ timeout: SOON });
  assert.match(await row.innerText(), /Running/);
}, told.results);
