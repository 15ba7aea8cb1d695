/**
 * How the tests run: node environment, one fork per file, real servers on demand, the corpus tests apart.
 * Whole departments and browsers come after all that has no screen, two files at a time: a department that comes back
 * from the dead mostly waits, and leaves a processor to a browser.
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

/** What has screens finds them built. */
const withScreens = { globalSetup: [...shared.globalSetup, 'bin/testing/built.ts'] }

// By default one core of two would wait: these wait for sockets, disks and each other more than they reckon.
const twoAtATime = { maxWorkers: 2 }

const parts = {
  name: 'parts',
  include: ['**/*.test.{ts,tsx}'],
  exclude: [...notOurs, overTheCorpus, ...wholeDepartments, ...browsers],
  ...twoAtATime,
  sequence: { groupOrder: 0 },
}
const screens = {
  name: 'screens',
  include: browsers,
  exclude: [...notOurs, overTheCorpus, ...wholeDepartments],
  ...withScreens,
  ...twoAtATime,
  sequence: { groupOrder: 1 },
}
// Of one group the projects begin by name: the longest files, which are departments, come first.
const departments = {
  name: 'departments',
  include: wholeDepartments,
  exclude: [...notOurs, overTheCorpus],
  ...withScreens,
  ...twoAtATime,
  sequence: { groupOrder: 1 },
}
const corpora = { name: 'corpus', include: [overTheCorpus], exclude: notOurs, ...withScreens }

export default defineConfig({
  test: {
    projects: (corpus ? [corpora] : [parts, screens, departments]).map((project) => ({
      test: { ...shared, ...project },
    })),
  },
})
