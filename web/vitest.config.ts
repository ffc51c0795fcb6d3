import { defineConfig, mergeConfig } from 'vitest/config'
import vite from './vite.config.ts'

// Times read the same on every machine.
process.env['TZ'] = 'UTC'

export default mergeConfig(
  vite,
  defineConfig({
    test: {
      environment: 'happy-dom',
      setupFiles: ['src/test-setup.ts'],
      include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
    },
  }),
)
