/** The import rule of docs/architecture.md: each part of the house and what it may import. Tests may import what they test with. */
const parts = {
  '^domain/': ['^domain/'],
  '^workflows/': ['^workflows/', '^domain/', '^node_modules/@temporalio/(workflow|common)/'],
  '^db/': ['^db/', '^domain/'],
  '^interop/v2/': ['^interop/v2/', '^domain/'],
  '^interop/fhir/': ['^interop/fhir/', '^domain/'],
  '^interop/[^/]+\\.ts$': ['^interop/', '^domain/', '^db/', '^workflows/contract\\.ts$', '^config\\.ts$'],
  '^archive/dimse/': ['^archive/dimse/'],
  '^archive/scu/': ['^archive/scu/', '^archive/dimse/'],
  '^archive/(?!dimse/|scu/)': ['^archive/', '^domain/', '^db/', '^workflows/contract\\.ts$', '^config\\.ts$'],
  '^app/': [
    '^app/',
    '^domain/',
    '^db/',
    '^workflows/contract\\.ts$',
    '^config\\.ts$',
    '^archive/web/',
    '^archive/storage/',
    '^interop/(v2|fhir)/',
  ],
  '^workers/': ['^workers/', '^workflows/', '^domain/', '^db/', '^archive/', '^interop/', '^config\\.ts$'],
  '^simulator/': ['^simulator/', '^domain/', '^interop/v2/', '^archive/(scu|dimse)/', '^config\\.ts$'],
  '^bin/': ['^bin/', '^db/', '^domain/', '^config\\.ts$', '^app/viewer/prepare\\.ts$'],
  '^e2e/': [
    '^e2e/',
    '^simulator/',
    '^interop/v2/',
    '^archive/(scu|dimse)/',
    '^config\\.ts$',
    '^bin/testing/',
  ],
  '^config\\.ts$': [],
}

/** Packages are free to all but domain and workflows, which see nothing but what their line names. */
const PURE = ['^domain/', '^workflows/']
const TESTS = '\\.(test|fixture)\\.tsx?$'

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(virtual:|\\./\\+types)' },
    },
    ...Object.entries(parts).map(([path, allowed]) => ({
      name: `imports-of ${path}`,
      severity: 'error',
      from: { path, pathNot: `${TESTS}|/testing/|/histories/` },
      to: {
        pathNot: PURE.includes(path) ? allowed : [...allowed, '^node_modules/', '^node:'],
        dependencyTypesNot: PURE.includes(path) ? [] : ['core'],
      },
    })),
  ],
  options: {
    exclude: { path: '^(build|corpus|\\.isocenter|\\.react-router)/|\\+types/' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.cjs', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
}
