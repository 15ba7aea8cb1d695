/** THIRD_PARTY_NOTICES.md from what is installed to run the department: every package, its version and licence. Run, it writes the file. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

interface LockedPackage {
  version?: string
  dev?: boolean
  license?: string
  name?: string
}

interface Notice {
  name: string
  version: string
  licence: string
}

/** From the lock file's packages; development tools and the empty stand-ins are not part of what runs. */
function notices(): Notice[] {
  const lock = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8')) as {
    packages: Record<string, LockedPackage>
  }
  return Object.entries(lock.packages)
    .filter(([path, { dev, name }]) => path !== '' && !dev && name !== 'empty-npm-package')
    .map(([path, locked]) => noticeOf(path, locked))
    .sort((a, b) => (a.name === b.name ? a.version.localeCompare(b.version) : a.name < b.name ? -1 : 1))
    .filter(
      (one, index, all) =>
        index === 0 || one.name !== all[index - 1]!.name || one.version !== all[index - 1]!.version,
    )
}

function noticeOf(path: string, { version = '', license }: LockedPackage): Notice {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  return { name, version, licence: license ?? installedLicence(path) }
}

function installedLicence(path: string): string {
  try {
    const { license } = JSON.parse(readFileSync(`${ROOT}${path}/package.json`, 'utf8')) as {
      license?: string | { type: string }
    }
    return typeof license === 'string' ? license : (license?.type ?? 'see the package')
  } catch {
    return 'see the package' // an optional package of another platform
  }
}

/** The whole file as it should be now. */
export function thirdPartyNotices(): string {
  const rows = notices().map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`)
  return `# Third-party notices

Isocenter runs on these packages; each keeps its own licence, whose text stands in the package. Fetched when it is first needed: the Temporal CLI with its development server (MIT). The viewer is OHIF (MIT) with Cornerstone3D (MIT). The DICOM dictionary is generated from dcmjs (MIT). Sample images: [corpus/NOTICE.md](corpus/NOTICE.md).

| Package | Version | Licence |
|---|---|---|
${rows.join('\n')}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(`${ROOT}THIRD_PARTY_NOTICES.md`, thirdPartyNotices())
