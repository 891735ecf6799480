/**
 * One person's first ten minutes in JupyterLab: run three cells, watch the panel, open the run,
 * reproduce it. Called by test_panel.py with the server's address and where pictures go.
 */
import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { launch, NoBrowser } from './browser.mjs';

const { url, token, notebook, results } = JSON.parse(process.argv[2]);
const SIZE = { width: 1400, height: 850 };
const SOON = 30_000;
const LATER = 120_000;

/** Show the left sidebar, and make it as wide as a person would for reading. */
async function openPanel(page) {
  await page.evaluate(() => window.jupyterapp.commands.execute('lineage:open-panel'));
  await page.locator('.jp-Lineage-RunsPanel').waitFor({ state: 'visible', timeout: SOON });
  const handle = await page.locator('#jp-main-split-panel > .lm-SplitPanel-handle').first().boundingBox();
  if (handle) {
    await page.mouse.move(handle.x + handle.width / 2, handle.y + 300);
    await page.mouse.down();
    await page.mouse.move(340, handle.y + 300, { steps: 4 });
    await page.mouse.up();
  }
}

async function openNotebook(page) {
  await page.goto(`${url}lab/tree/${notebook}?token=${token}`);
  await page.waitForFunction(() => window.jupyterapp !== undefined, null, { timeout: LATER });
  await page.evaluate(async path => {
    const app = window.jupyterapp;
    await app.restored;
    const widget = await app.commands.execute('docmanager:open', { path });
    await widget.context.ready;
    await widget.context.sessionContext.ready;
    await widget.context.sessionContext.session.kernel.info;
  }, notebook);
}

/** Run the cells by keyboard, each after the one before has ended. */
async function runCells(page, count) {
  await page.locator('.jp-Notebook .jp-Cell .cm-content').first().click();
  for (let number = 1; number <= count; number++) {
    await page.keyboard.press('Shift+Enter');
    await page.waitForFunction(
      wanted => {
        const prompts = [...document.querySelectorAll('.jp-Notebook .jp-InputArea-prompt')];
        return prompts.some(prompt => prompt.textContent.trim() === `[${wanted}]:`);
      },
      number,
      { timeout: LATER }
    );
  }
}

async function picture(page, name) {
  await page.mouse.move(SIZE.width - 5, 5);
  // Tooltips and cursors would make every picture another.
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(results, `${name}.png`), caret: 'hide' });
}

async function inBothThemes(page, name) {
  for (const [theme, suffix] of [['JupyterLab Dark', '-dark'], ['JupyterLab Light', '']]) {
    await page.evaluate(
      wanted => window.jupyterapp.commands.execute('apputils:change-theme', { theme: wanted }),
      theme
    );
    await page.locator(`body[data-jp-theme-name="${theme}"]`).waitFor({ state: 'attached' });
    await page.waitForTimeout(500);
    await picture(page, name + suffix);
  }
}

function tab(page, name) {
  return page.locator(`.jp-Lineage-RunPage:visible [data-tab=${name}]`);
}

async function lookAtTheRun(page) {
  const row = page.locator('.jp-Lineage-RunRow', { hasText: notebook }).first();
  await row.waitFor({ timeout: SOON });
  assert.match(await row.innerText(), /Running/, 'the run is shown as running');
  await page.locator('.jp-Lineage-StatusItem', { hasText: /^Recording$/ }).waitFor({ timeout: SOON });
  await inBothThemes(page, 'list');

  await row.click();
  const cells = page.locator('.jp-Lineage-RunPage:visible .jp-Lineage-Cell');
  await page.waitForFunction(
    () => document.querySelectorAll('.jp-Lineage-RunPage .jp-Lineage-Cell').length === 3,
    null,
    { timeout: SOON }
  );
  await cells.locator('.jp-OutputArea-output', { hasText: '285' }).waitFor({ timeout: SOON });
  await inBothThemes(page, 'cells');
  await tab(page, 'files').click();
  for (const file of ['numbers.csv', 'squares.csv']) {
    const line = page.locator('.jp-Lineage-RunPage:visible tr', { hasText: file });
    await line.locator('code').waitFor({ timeout: SOON });
    assert.match(await line.locator('code').getAttribute('title'), /^blake3:[0-9a-f]{64}$/);
  }
  await inBothThemes(page, 'files');
  await tab(page, 'environment').click();
  await page.getByRole('searchbox', { name: 'Search distributions' }).fill('ipykernel');
  await page.locator('.jp-Lineage-Environment th', { hasText: 'ipykernel' }).waitFor({ timeout: SOON });
  await inBothThemes(page, 'environment');
}

async function reproduce(page) {
  await page.locator('.jp-Lineage-RunPage:visible').getByRole('button', { name: 'Reproduce', exact: true }).click();
  const verdict = tab(page, 'verdict');
  const failed = page.locator('.jp-Lineage-RunPage:visible .jp-Lineage-Note.jp-mod-bad');
  await verdict.or(failed).waitFor({ timeout: LATER });
  assert.equal(await failed.count(), 0, await failed.allInnerTexts().then(String));
  const summary = page.locator('.jp-Lineage-RunPage:visible .jp-Lineage-Comparison-summary');
  await summary.waitFor({ timeout: SOON });
  assert.match(await summary.innerText(), /Identical/);
  await inBothThemes(page, 'verdict');
  const rows = page.locator('.jp-Lineage-RunRow', { hasText: 'Identical' });
  await rows.first().waitFor({ timeout: SOON });
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

async function main() {
  mkdirSync(results, { recursive: true });
  const browser = await launch();
  const page = await browser.newPage({ viewport: SIZE });
  const faults = [];
  page.on('pageerror', error => faults.push(error.message));
  try {
    await openNotebook(page);
    await openPanel(page);
    await runCells(page, 3);
    await lookAtTheRun(page);
    await reproduce(page);
    await keyboard(page);
    assert.deepEqual(faults, [], 'no error in the page');
  } catch (error) {
    await page.screenshot({ path: join(results, 'failure.png') }).catch(() => undefined);
    throw error;
  } finally {
    await browser.close();
  }
}

main().catch(error => {
  console.error(error instanceof NoBrowser ? error.message : error);
  process.exit(error instanceof NoBrowser ? 3 : 1);
});
