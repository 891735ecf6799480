import { launch } from './browser.mjs';
const [,, base, out, theme='light', mode='lab'] = process.argv;
const b = await launch();
const page = await b.newPage({ viewport: { width: 1400, height: 850 } });
page.on('pageerror', e => console.log('PAGEERROR', e.message.slice(0,300)));
page.on('console', m => { if (m.type()==='error') console.log('CONSOLE', m.text().slice(0,300)); });
await page.goto(`${base}/${mode}?token=tok`);
await page.waitForFunction(() => window.jupyterapp, null, {timeout: 40000});
await page.evaluate(async () => { await window.jupyterapp.restored; });
if (theme==='dark') await page.evaluate(() => window.jupyterapp.commands.execute('apputils:change-theme',{theme:'JupyterLab Dark'}));
await page.evaluate(() => window.jupyterapp.commands.execute('lineage:open-panel'));
await page.waitForSelector('.jp-Lineage-RunRow', {timeout:10000});
await page.waitForTimeout(600);
await page.screenshot({path: `${out}-panel.png`});
const rows = await page.$$('.jp-Lineage-RunRow');
await rows[Number(process.env.ROW ?? 1)].click();
await page.waitForSelector('.jp-Lineage-RunHeader', {timeout:10000});
await page.waitForTimeout(1200);
for (const tab of ['verdict','cells','files','environment','values']) {
  await page.click(`[data-tab=${tab}]`);
  await page.waitForTimeout(700);
  await page.screenshot({path: `${out}-${tab}.png`});
}
console.log(await page.evaluate(() => document.querySelectorAll('.jp-Lineage-RunRow').length));
await b.close();
