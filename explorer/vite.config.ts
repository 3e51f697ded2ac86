import { readFileSync } from 'node:fs';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const gateway = process.env.FLEETGRAPH_URL ?? 'http://127.0.0.1:8000';

/** Puts csp.json beside the page, so that one folder holds all that the gateway needs to serve it. */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'csp.json', source: readFileSync('csp.json', 'utf8') });
    },
  };
}

export default defineConfig({
  // The gateway serves dist/ below this path and dist/index.html at `/`.
  base: '/explorer/',
  plugins: [react(), contentSecurityPolicy()],
  worker: { format: 'es' },
  build: {
    // Nothing is inlined as a data: address, so that the content security policy can stay narrow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The editor is one big chunk by its nature; it is loaded after the first paint.
    chunkSizeWarningLimit: 4000,
    target: 'es2022',
    rolldownOptions: {
      onwarn(warning, warn) {
        // "use no memo" speaks to a compiler that GraphiQL has already been through.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  server: {
    proxy: { '/graphql': { target: gateway, ws: true }, '/schema.graphql': gateway },
  },
});
