import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('./isocenter.ts', import.meta.url))
const environment = { PATH: process.env.PATH, HOME: process.env.HOME }

function isocenter(args: string[], extra: Record<string, string> = {}) {
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env: { ...environment, ...extra },
  })
  return { status, stderr, stdout }
}

test('wrong usage is exit code 2 and says what was expected', () => {
  expect(isocenter(['up', '--base-port', 'many'])).toMatchObject({
    status: 2,
    stderr: 'isocenter: --base-port: found "many", expected a port\n',
  })
  expect(isocenter(['up', '--homes', '/tmp']).status).toBe(2)
  expect(isocenter(['rise']).status).toBe(2)
  expect(isocenter([]).status).toBe(2)
})

test('a wrong variable is exit code 2 and one line', () => {
  expect(isocenter(['up'], { TEMPORAL_ADDRESS: 'somewhere' })).toMatchObject({
    status: 2,
    stderr: 'isocenter: TEMPORAL_ADDRESS: found "somewhere", expected host:port\n',
  })
})

test('a taken port is exit code 3 and one line with the remedy', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const home = mkdtempSync(join(tmpdir(), 'isocenter-command-'))
  const { status, stderr } = isocenter(['up', '--home', home], { ISOCENTER_APP_PORT: String(port) })
  taken.close()
  expect(status).toBe(3)
  expect(stderr).toBe(
    `isocenter: port ${port} (app) is taken; stop what listens there, or start with --base-port N for other ports\n`,
  )
})

test('a home that cannot be written to is exit code 3 and names another way', () => {
  const { status, stderr } = isocenter(['up', '--home', '/etc/hostname/department'])
  expect(status).toBe(3)
  expect(stderr).toMatch(
    /^isocenter: the home \/etc\/hostname\/department cannot be written to .*--home DIR\n$/,
  )
})

test('every variable is explained, and no secret is shown', () => {
  const { status, stdout } = isocenter(['config', '--explain'], { DATABASE_URL: 'postgres://a:hunter2@h/d' })
  expect(status).toBe(0)
  expect(stdout).toContain('DATABASE_URL  (a postgres:// URL; set)')
  expect(stdout).not.toContain('hunter2')
})
