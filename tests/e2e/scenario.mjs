/**
 * One person's first ten minutes in JupyterLab: run three cells, watch the panel, open the run,
 * reproduce it. Called by test_panel.py with the server's address and where pictures go.
 */
import { strict as assert } from 'node:assert';

import {
  inBothThemes, LATER, openLab, openNotebook, openPanel, pageInFront, play, runCells, SOON,
  statusThatSays
} from './lab_page.mjs';

const told = JSON.parse(process.argv[2]);
const { notebook, outside, forbidden, results } = told;

function tab(page, name) {
  return pageInFront(page).locator(`[data-tab=${name}]`);
}

/** The first time, one line says what is recorded, where, and how to turn it off. */
async function readTheFirstWord(page) {
  const word = page.locator('.Toastify__toast', { hasText: 'recorded on this disk' });
  await word.waitFor({ timeout: SOON });
  const text = await word.innerText();
  assert.match(text, /lineage\.db/);
  assert.match(text, /%track off/);
  await word.getByRole('button').last().click();
  await word.waitFor({ state: 'detached', timeout: SOON });
}

async function lookAtTheRun(page) {
  const row = page.locator('.jp-Lineage-RunRow', { hasText: notebook }).first();
  await row.waitFor({ timeout: SOON });
  assert.match(await row.innerText(), /Running/, 'the run is shown as running');
  await statusThatSays(page, /^Recording$/);
  await readTheFirstWord(page);
  await inBothThemes(page, results, 'list');

  await row.click();
  const cells = pageInFront(page).locator('.jp-Lineage-Cell');
  await page.waitForFunction(
    () => document.querySelectorAll('.jp-Lineage-RunPage .jp-Lineage-Cell').length === 3,
    null,
    { timeout: SOON }
  );
  await cells.locator('.jp-OutputArea-output', { hasText: '285' }).waitFor({ timeout: SOON });
  await inBothThemes(page, results, 'cells');
  await tab(page, 'files').click();
  for (const file of ['numbers.csv', 'squares.csv']) {
    const line = pageInFront(page).locator('tr', { hasText: file });
    await line.locator('code').waitFor({ timeout: SOON });
    assert.match(await line.locator('code').getAttribute('title'), /^blake3:[0-9a-f]{64}$/);
  }
  await inBothThemes(page, results, 'files');
  await tab(page, 'environment').click();
  await page.getByRole('searchbox', { name: 'Search distributions' }).fill('ipykernel');
  await page.locator('.jp-Lineage-Environment th', { hasText: 'ipykernel' }).waitFor({ timeout: SOON });
  await inBothThemes(page, results, 'environment');
}

async function reproduce(page) {
  await pageInFront(page).getByRole('button', { name: 'Reproduce', exact: true }).click();
  const verdict = tab(page, 'verdict');
  const failed = pageInFront(page).getByRole('alert');
  await verdict.or(failed).waitFor({ timeout: LATER });
  assert.equal(await failed.count(), 0, await failed.allInnerTexts().then(String));
  const summary = pageInFront(page).locator('.jp-Lineage-Comparison-summary');
  await summary.waitFor({ timeout: SOON });
  assert.match(await summary.innerText(), /Identical/);
  await inBothThemes(page, results, 'verdict');
  const rows = page.locator('.jp-Lineage-RunRow', { hasText: 'Identical' });
  await rows.first().waitFor({ timeout: SOON });
}

/** A run that wrote elsewhere is refused with the path; what it showed runs no script. */
async function meetARefusal(page) {
  await openNotebook(page, outside);
  await runCells(page, 2);
  await page.evaluate(() => { window.fromARecord = 0; });
  await page.locator('.jp-Lineage-RunRow', { hasText: outside }).first().click();
  const shown = pageInFront(page);
  await shown.locator('.jp-OutputArea-output', { hasText: 'kept' }).waitFor({ timeout: SOON });
  await shown.getByRole('button', { name: 'Reproduce', exact: true }).click();
  const refusal = shown.getByRole('alert');
  await refusal.waitFor({ timeout: LATER });
  const words = await refusal.innerText();
  assert.match(words, /keep your files safe/);
  assert.ok(words.includes(forbidden), `the refusal names the path: ${words}`);
  assert.equal(await page.evaluate(() => window.fromARecord), 0, 'no recorded script ran');
  await inBothThemes(page, results, 'refused');
}

async function keyboard(page) {
  const list = page.getByRole('grid', { name: /Recorded runs/ });
  await list.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('End');
  const chosen = await list.getAttribute('aria-activedescendant');
  const last = await page.locator('.jp-Lineage-RunRow').last().getAttribute('id');
  assert.equal(chosen, last, 'End selects the oldest run');
  await page.keyboard.press('Enter');
  await page.waitForFunction(
    id => window.jupyterapp.shell.currentWidget?.id === id.replace('Lineage', 'lineage'),
    chosen,
    { timeout: SOON }
  );
}

async function firstTenMinutes(page) {
  const faults = [];
  page.on('pageerror', error => faults.push(error.message));
  await openLab(page, told);
  await openPanel(page);
  await page.locator('.jp-Lineage-Empty', { hasText: 'No runs yet' }).waitFor({ timeout: SOON });
  await inBothThemes(page, results, 'empty');
  await openNotebook(page, notebook);
  await runCells(page, 3);
  await lookAtTheRun(page);
  await reproduce(page);
  await meetARefusal(page);
  await keyboard(page);
  assert.deepEqual(faults, [], 'no error in the page');
}

await play(firstTenMinutes, results);
