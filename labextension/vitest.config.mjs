import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts'],
    // Lab's packages are bundles for a browser; these tests are of what has no DOM.
    server: { deps: { inline: [/@jupyterlab/, /@lumino/] } }
  }
});
