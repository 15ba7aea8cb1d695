/** Built once before the first test of a browser: building the screens clears the folder that the viewer stands in. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildScreens, buildViewer } from '../builds.ts'

export default async function setUp(): Promise<void> {
  await buildScreens(join(mkdtempSync(join(tmpdir(), 'isocenter-build-')), 'build.log'))
  await buildViewer()
}
