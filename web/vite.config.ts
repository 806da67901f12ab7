import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const service = process.env.SERVICE_URL ?? 'http://127.0.0.1:8000'

// Three pages: index.html for people; room.html for the classroom PC and connection-test.html, which must stay light.
// The service serves the built files from its own package folder.
export default defineConfig({
  plugins: [vue()],
  define: {
    __VUE_OPTIONS_API__: 'true',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  build: {
    outDir: here('../service/web_app'),
    emptyOutDir: true,
    target: 'chrome90',
    // No inlined data addresses, so that a strict content security policy holds.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: here('index.html'), room: here('room.html'), connection: here('connection-test.html') } },
  },
  server: {
    proxy: { '/api': { target: service, ws: true } },
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts'],
  },
})
