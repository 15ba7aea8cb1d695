/**
 * How the tests run: node environment, one fork per file, real servers on demand, the corpus tests apart.
 * Browsers come after all that has no screen, whole departments come last, and both one at a time, since each takes
 * the machine for itself.
 */
import { configDefaults, defineConfig } from 'vitest/config'

const corpus = process.env.ISOCENTER_TEST_CORPUS === '1'
const wholeDepartments = [
  'e2e/{kill,outage,order,native-names}.test.ts',
  'simulator/people.test.ts',
  'bin/isocenter.test.ts',
]
const browsers = ['e2e/**/*.test.ts', 'app/viewer/viewer.test.ts']
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
  exclude: [...notOurs, overTheCorpus, ...wholeDepartments, ...browsers],
  // By default one core of two would wait: these wait for sockets and disks more than they reckon.
  maxWorkers: 2,
  sequence: { groupOrder: 0 },
}
const screens = {
  name: 'screens',
  include: browsers,
  exclude: [...notOurs, overTheCorpus, ...wholeDepartments],
  fileParallelism: false,
  sequence: { groupOrder: 1 },
}
const departments = {
  name: 'departments',
  include: wholeDepartments,
  exclude: [...notOurs, overTheCorpus],
  fileParallelism: false,
  sequence: { groupOrder: 2 },
}
const corpora = { name: 'corpus', include: [overTheCorpus], exclude: notOurs }

export default defineConfig({
  test: {
    projects: (corpus ? [corpora] : [parts, screens, departments]).map((project) => ({
      test: { ...shared, ...project },
    })),
  },
})
