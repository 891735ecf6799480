/** The README's picture: what `demo --lab` opens, then the reproduction's page, both themes. */
import { inBothThemes, openLab, openPanel, pageInFront, play, SOON } from './lab_page.mjs';

const told = JSON.parse(process.argv[2]);

await play(async page => {
  await openLab(page, told, 'lab/tree/wine/wine.ipynb?');
  await page.locator('.jp-Lineage-RunsPanel').waitFor({ state: 'visible', timeout: SOON });
  await page.locator('.jp-Notebook').first().waitFor({ state: 'visible', timeout: SOON });
  await openPanel(page);
  await page.locator('.jp-Lineage-RunRow', { hasText: 'reproduction' }).first().click();
  await pageInFront(page).locator('.jp-Lineage-Comparison-summary').waitFor({ timeout: SOON });
  await page.evaluate(() => {
    const { shell } = window.jupyterapp;
    for (const widget of [...shell.widgets('main')]) {
      if (widget !== shell.currentWidget) {
        widget.close();
      }
    }
  });
  await page.getByRole('grid', { name: /Recorded runs/ }).evaluate(list => list.blur());
  await inBothThemes(page, told.results, 'panel');
}, told.results);
