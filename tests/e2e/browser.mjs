/** A Chromium that comes as an npm package; where it can't run, one line says what is missing. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { readFileSync, writeFileSync } from 'node:fs';

import { chromium } from 'playwright-core';

/** Thrown where there is no browser; its message is for the person at the keyboard. */
export class NoBrowser extends Error {}

/** Start the browser: the one named by `JUPYTER_LINEAGE_TEST_BROWSER`, else the package's. */
export async function launch() {
  const chosen = process.env.JUPYTER_LINEAGE_TEST_BROWSER;
  try {
    return await start(chosen ?? (await unpacked()), {});
  } catch (first) {
    if (chosen) {
      throw new NoBrowser(`the browser ${chosen} does not start: ${firstLine(first)}`);
    }
    return startWithLibraries(first);
  }
}

/** The package brings the libraries (NSS, NSPR) that a bare system lacks. */
async function startWithLibraries(first) {
  try {
    return await start(await unpacked(), { LD_LIBRARY_PATH: unpackedLibraries() });
  } catch (second) {
    throw new NoBrowser(
      `no browser: Chromium does not start (${firstLine(first)}; with its own libraries: ` +
        `${firstLine(second)}). Install one and set JUPYTER_LINEAGE_TEST_BROWSER to its path, ` +
        'for example: apt-get install chromium, JUPYTER_LINEAGE_TEST_BROWSER=/usr/bin/chromium'
    );
  }
}

function start(executablePath, variables) {
  return chromium.launch({
    executablePath,
    headless: true,
    // Root and containers have no user namespaces; the only pages opened are our own server's.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
    env: { ...process.env, ...variables }
  });
}

async function unpacked() {
  const { default: packed } = await import('@sparticuz/chromium');
  return packed.executablePath();
}

function unpackedLibraries() {
  const require = createRequire(import.meta.url);
  const bin = join(dirname(require.resolve('@sparticuz/chromium')), '..', '..', 'bin');
  const folder = join(tmpdir(), 'jupyter-lineage-e2e-libraries');
  if (!existsSync(join(folder, 'lib'))) {
    mkdirSync(folder, { recursive: true });
    const archive = join(folder, 'libraries.tar');
    writeFileSync(archive, brotliDecompressSync(readFileSync(join(bin, 'al2023.tar.br'))));
    execFileSync('tar', ['-xf', archive, '-C', folder]);
  }
  return join(folder, 'lib');
}

function firstLine(error) {
  const lines = String(error?.message ?? error).split('\n').map(line => line.trim());
  const cause = lines.find(line => /error while loading|cannot open|No such file|missing/i.test(line));
  return cause ?? lines[0];
}
