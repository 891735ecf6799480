/** A Chromium that comes as an npm package; where it can't run, one line says what is missing. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

import { chromium } from 'playwright-core';

const GET_ONE =
  'Install one and set JUPYTER_LINEAGE_TEST_BROWSER to its path, for example: ' +
  'apt-get install chromium, JUPYTER_LINEAGE_TEST_BROWSER=/usr/bin/chromium';

/** Where the package's browser is unpacked, once: no other user's folder, nothing half-written. */
const UNPACKED =
  process.env.JUPYTER_LINEAGE_TEST_UNPACKED ??
  join(dirname(fileURLToPath(import.meta.url)), 'node_modules', '.unpacked');

/** Thrown where there is no browser; its message is for the person at the keyboard. */
export class NoBrowser extends Error {}

/** Start the browser: the one named by `JUPYTER_LINEAGE_TEST_BROWSER`, else the package's. */
export async function launch() {
  const chosen = process.env.JUPYTER_LINEAGE_TEST_BROWSER;
  try {
    return await start(chosen ?? (await unpacked()), {});
  } catch (first) {
    if (chosen) {
      throw new NoBrowser(
        `no browser: ${chosen}, which JUPYTER_LINEAGE_TEST_BROWSER names, does not start ` +
          `(${firstLine(first)}). ${GET_ONE}`
      );
    }
    return startWithLibraries(first);
  }
}

/** The package brings the libraries (NSS, NSPR) that a bare system lacks. */
async function startWithLibraries(first) {
  try {
    return await start(await unpacked(), { LD_LIBRARY_PATH: await unpackedLibraries() });
  } catch (second) {
    throw new NoBrowser(
      `no browser: Chromium does not start (${firstLine(first)}; with its own libraries: ` +
        `${firstLine(second)}). ${GET_ONE}`
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
  await once('browser', async folder => {
    const { default: packed } = await import('@sparticuz/chromium');
    const before = process.env.TMPDIR;
    process.env.TMPDIR = folder; // the package knows no other way to be told where to
    try {
      await packed.executablePath();
    } finally {
      if (before === undefined) {
        delete process.env.TMPDIR;
      } else {
        process.env.TMPDIR = before;
      }
    }
  });
  return join(UNPACKED, 'browser', 'chromium');
}

async function unpackedLibraries() {
  await once('libraries', async folder => {
    const require = createRequire(import.meta.url);
    const bin = join(dirname(require.resolve('@sparticuz/chromium')), '..', 'bin');
    const archive = join(folder, 'libraries.tar');
    writeFileSync(archive, brotliDecompressSync(readFileSync(join(bin, 'al2023.tar.br'))));
    execFileSync('tar', ['-xf', archive, '-C', folder]);
  });
  return join(UNPACKED, 'libraries', 'lib');
}

/** Let `fill` fill a folder of this name, which is there whole or not at all. */
async function once(name, fill) {
  const whole = join(UNPACKED, name);
  if (existsSync(whole)) {
    return;
  }
  mkdirSync(UNPACKED, { recursive: true });
  const begun = mkdtempSync(join(UNPACKED, '.begun-'));
  try {
    await fill(begun);
    renameSync(begun, whole);
  } catch (error) {
    rmSync(begun, { recursive: true, force: true });
    if (!existsSync(whole)) {
      throw error;
    } // else another process was faster
  }
}

function firstLine(error) {
  const lines = String(error?.message ?? error).split('\n').map(line => line.trim());
  const cause = lines.find(line => /error while loading|cannot open|No such file|missing/i.test(line));
  return cause ?? lines[0];
}
