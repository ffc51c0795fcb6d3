import { fileURLToPath, URL } from 'node:url'
import VueI18n from '@intlify/unplugin-vue-i18n/vite'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { precompress } from './scripts/precompress.ts'
import { sprite } from './scripts/sprite.ts'

const backend = process.env['MESHCHATX_DEV_BACKEND'] ?? 'https://127.0.0.1:8000'
const proxied = { target: backend, secure: false, changeOrigin: true }

export default defineConfig({
  plugins: [
    vue(),
    VueI18n({
      include: fileURLToPath(new URL('./src/locales/*.json', import.meta.url)),
      runtimeOnly: true,
      compositionOnly: true,
      dropMessageCompiler: true,
    }),
    tailwindcss(),
    sprite(),
    precompress(),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false', __VUE_I18N_LEGACY_API__: 'false' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: 'manifest.build.json',
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // One file that every page needs, instead of many small ones.
          groups: [
            {
              name: 'base',
              test: /node_modules[\\/](?!uqr)|src[\\/](kit|lib|api|locales|styles|shell|features[\\/]identities[\\/](useIdentity|IdentityAddress|IdentitySwitcher)|features[\\/]chats[\\/](deliveryText|useSearch|parseAddress))|plugin-vue/,
            },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    proxy: { '/api': proxied, '/ws': { ...proxied, ws: true } },
  },
})
