/**
 * How the tests run: node environment, one fork per file, real servers on demand, the corpus tests apart.
 * Whole departments and browsers come last and one at a time, since each takes the machine for itself.
 */
import { configDefaults, defineConfig } from 'vitest/config'

const corpus = process.env.ISOCENTER_TEST_CORPUS === '1'
const wholeDepartments = [
  'e2e/**/*.test.ts',
  'workers/kill.test.ts',
  'simulator/people.test.ts',
  'bin/isocenter.test.ts',
]
const notOurs = [...configDefaults.exclude, 'build/**']
const overTheCorpus = '**/*.corpus.test.{ts,tsx}'
const shared = {
  globalSetup: ['bin/testing/global-setup.ts'],
  pool: 'forks' as const,
  testTimeout: 60_000,
  hookTimeout: 120_000,
}

const parts = {
  name: 'parts',
  include: ['**/*.test.{ts,tsx}'],
  exclude: [...notOurs, overTheCorpus, ...wholeDepartments],
  sequence: { groupOrder: 0 },
}
const departments = {
  name: 'departments',
  include: wholeDepartments,
  exclude: [...notOurs, overTheCorpus],
  fileParallelism: false,
  sequence: { groupOrder: 1 },
}
const corpora = { name: 'corpus', include: [overTheCorpus], exclude: notOurs }

export default defineConfig({
  test: {
    projects: (corpus ? [corpora] : [parts, departments]).map((project) => ({
      test: { ...shared, ...project },
    })),
  },
})
