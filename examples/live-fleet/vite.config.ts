import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const gateway = process.env.FLEETGRAPH_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  // Relative addresses: the built files work below any path.
  base: './',
  plugins: [react()],
  build: { target: 'es2022' },
  server: {
    // The page and the gateway share one origin in development, so that neither CORS nor an allowed origin is needed.
    // The Origin that the browser sends is that of this server; the gateway has to see its own.
    proxy: { '/graphql': { target: gateway, ws: true, changeOrigin: true, headers: { origin: gateway } } },
  },
  preview: {
    proxy: { '/graphql': { target: gateway, ws: true, changeOrigin: true, headers: { origin: gateway } } },
  },
});
