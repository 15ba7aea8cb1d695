/** How the tests run: node environment, one fork per file, the corpus tests apart. */
import { configDefaults, defineConfig } from 'vitest/config'

const corpus = process.env.ISOCENTER_TEST_CORPUS === '1'

export default defineConfig({
  test: {
    include: corpus ? ['**/*.corpus.test.{ts,tsx}'] : ['**/*.test.{ts,tsx}'],
    exclude: [...configDefaults.exclude, 'build/**', ...(corpus ? [] : ['**/*.corpus.test.{ts,tsx}'])],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
