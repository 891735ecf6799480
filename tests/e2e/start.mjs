/** Only start the browser and show a page: called by test_browser_is_missing.py. */
import { play } from './lab_page.mjs';

await play(async page => {
  await page.goto('data:text/html,<title>shown</title>');
  console.log(await page.title());
}, process.argv[2]);
