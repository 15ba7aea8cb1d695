/** How the tests run: node environment, one fork per file, real servers on demand, the corpus tests apart. */
import { configDefaults, defineConfig } from 'vitest/config'

const corpus = process.env.ISOCENTER_TEST_CORPUS === '1'

export default defineConfig({
  test: {
    include: corpus ? ['**/*.corpus.test.{ts,tsx}'] : ['**/*.test.{ts,tsx}'],
    exclude: [...configDefaults.exclude, 'build/**', ...(corpus ? [] : ['**/*.corpus.test.{ts,tsx}'])],
    globalSetup: ['bin/testing/global-setup.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
