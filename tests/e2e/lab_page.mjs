/** What every scenario does in JupyterLab: open it, show the panel, change the theme. */
import { join } from 'node:path';

export const SIZE = { width: 1400, height: 850 };
export const SOON = 30_000;
export const LATER = 120_000;

export async function openLab(page, { url, token }, place = 'lab?') {
  await page.goto(`${url}${place}token=${token}`);
  await page.waitForFunction(() => window.jupyterapp !== undefined, null, { timeout: LATER });
  await page.evaluate(() => window.jupyterapp.restored);
}

/** Show the left sidebar, and make it as wide as a person would for reading. */
export async function openPanel(page) {
  await page.evaluate(() => window.jupyterapp.commands.execute('lineage:open-panel'));
  await page.locator('.jp-Lineage-RunsPanel').waitFor({ state: 'visible', timeout: SOON });
  const split = page.locator('#jp-main-split-panel > .lm-SplitPanel-handle').first();
  const handle = await split.boundingBox();
  if (handle) {
    await page.mouse.move(handle.x + handle.width / 2, handle.y + 300);
    await page.mouse.down();
    await page.mouse.move(340, handle.y + 300, { steps: 4 });
    await page.mouse.up();
  }
}

/** Open a notebook and wait until its kernel answers; keys pressed before that are lost. */
export async function openNotebook(page, name) {
  await page.evaluate(async path => {
    const app = window.jupyterapp;
    const widget = await app.commands.execute('docmanager:open', { path });
    await widget.context.ready;
    await widget.context.sessionContext.ready;
    await widget.context.sessionContext.session.kernel.info;
  }, name);
}

/** Run the cells by keyboard, each after the one before has ended. */
export async function runCells(page, count) {
  await page.locator('.jp-Notebook:visible .jp-Cell .cm-content').first().click();
  for (let number = 1; number <= count; number++) {
    await page.keyboard.press('Shift+Enter');
    await page.waitForFunction(
      wanted => {
        const prompts = [
          ...window.jupyterapp.shell.currentWidget.node.querySelectorAll('.jp-InputArea-prompt')
        ];
        return prompts.some(prompt => prompt.textContent.trim() === `[${wanted}]:`);
      },
      number,
      { timeout: LATER }
    );
  }
}

/** Take a picture in the dark and in the light theme: `<name>-dark.png` and `<name>.png`. */
export async function inBothThemes(page, folder, name) {
  for (const [theme, suffix] of [['JupyterLab Dark', '-dark'], ['JupyterLab Light', '']]) {
    await page.evaluate(
      wanted => window.jupyterapp.commands.execute('apputils:change-theme', { theme: wanted }),
      theme
    );
    await page.locator(`body[data-jp-theme-name="${theme}"]`).waitFor({ state: 'attached' });
    // The pointer rests where no tooltip is; icons are recoloured a moment after the theme.
    await page.mouse.move(SIZE.width - 5, 5);
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(folder, `${name}${suffix}.png`), caret: 'hide' });
  }
}

/** The run's page in front. */
export function pageInFront(page) {
  return page.locator('.jp-Lineage-RunPage:visible');
}

/** The status bar's item about recording, once it says these words. */
export async function statusThatSays(page, words) {
  const item = page.locator('.jp-Lineage-StatusItem', { hasText: words });
  await item.waitFor({ timeout: SOON });
  return item;
}

/** Run `scenario` in a browser of its own; on a fault leave a picture and end with status 1. */
export async function play(scenario, results) {
  const { launch, NoBrowser } = await import('./browser.mjs');
  let browser;
  let page;
  try {
    browser = await launch();
    page = await browser.newPage({ viewport: SIZE });
    await scenario(page);
  } catch (error) {
    await page?.screenshot({ path: join(results, 'failure.png') }).catch(() => undefined);
    console.error(error instanceof NoBrowser ? error.message : error);
    process.exitCode = 1;
  } finally {
    await browser?.close();
  }
}
