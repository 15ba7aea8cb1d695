import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareViewer } from './prepare.ts'
import { serveViewer } from './serve.ts'

let address: string
let directory: string
let signedIn = true
const server = createServer()

beforeAll(async () => {
  ;({ directory } = await prepareViewer())
  const viewer = serveViewer({ directory, isSignedIn: async () => signedIn, signInPath: '/sign-in' })
  server.on('request', (request, response) => void viewer(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => server.close())

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(address + path, { redirect: 'manual', headers })

test('[VW-01] the viewer is served under its own path, and each of its pages is the one page it has', async () => {
  const bare = await get('/viewer?launch=1')
  expect([bare.status, bare.headers.get('location')]).toEqual([302, '/viewer/?launch=1'])
  const page = await (await get('/viewer/viewer?StudyInstanceUIDs=1.2')).text()
  expect(page).toContain('window.PUBLIC_URL="/viewer/"')
  const local = [...page.matchAll(/(?:src|href|content)="(\/[^"]*)"/g)].map(([, path]) => path!)
  expect(local.length).toBeGreaterThan(20)
  expect(local.filter((path) => !path.startsWith('/viewer/'))).toEqual([])
  for (const path of local) expect([path, (await get(path)).status]).toEqual([path, 200])
})

test('each part of our extension that another one asks for is served', async () => {
  const wanted = ['isocenter.js']
  for (const name of wanted) {
    const answered = await get(`/viewer/ext/${name}`)
    expect([name, answered.status]).toEqual([name, 200])
    for (const [, next] of (await answered.text()).matchAll(/from '\.\/([\w-]+\.js)'/g))
      if (!wanted.includes(next!)) wanted.push(next!)
  }
  expect(wanted.length).toBeGreaterThan(15)
})

test('a chunk that is missing is missing, not a page', async () => {
  expect((await get('/viewer/ext/viewports.js')).headers.get('content-type')).toContain('javascript')
  expect((await get('/viewer/ext/prepare.js')).status).toBe(404)
  expect((await get('/viewer/123.bundle.0000000000000000.js')).status).toBe(404)
  expect((await get('/viewer/..%2f..%2fpackage.json')).status).toBe(404)
  expect((await get('/viewer/.prepared.json')).status).toBe(404)
})

test('hashed files are kept for ever and sent compressed; pages and what we changed are always asked for again', async () => {
  const page = await get('/viewer/')
  expect(page.headers.get('cache-control')).toBe('no-cache')
  const [, bundle] = /src="(\/viewer\/app\.bundle\.[0-9a-f]+\.js)"/.exec(await page.text())!
  const script = await get(bundle!, { 'accept-encoding': 'gzip' })
  expect(script.headers.get('content-encoding')).toBe('gzip')
  expect(script.headers.get('cache-control')).toBe('no-cache')
  expect(await script.text()).toContain('__webpack_require__.p = "/viewer/"')
  const again = await get(bundle!, {
    'accept-encoding': 'gzip',
    'if-none-match': script.headers.get('etag')!,
  })
  expect(again.status).toBe(304)
  const untouched = readdirSync(directory).find((name) => /^9068\.bundle\.[0-9a-f]+\.js$/.test(name))
  expect((await get(`/viewer/${untouched}`)).headers.get('cache-control')).toContain('immutable')
})

test('without a session the pages lead to the sign-in and the settings are refused', async () => {
  signedIn = false
  try {
    const page = await get('/viewer/viewer')
    expect([page.status, page.headers.get('location')]).toEqual([302, '/sign-in'])
    expect((await get('/viewer/app-config.js')).status).toBe(401)
    for (const name of ['isocenter.js', 'viewports.js', 'report.js', 'isocenter.css'])
      expect([name, (await get(`/viewer/ext/${name}`)).status]).toEqual([name, 401])
  } finally {
    signedIn = true
  }
})

test('[DW-06] the settings let the viewer ask only under the launch in its address', async () => {
  const script = await (await get('/viewer/app-config.js')).text()
  const rootsFor = (search: string) => {
    const window = { parent: {}, config: {} as { dataSources: { configuration: Record<string, string> }[] } }
    new Function('window', 'location', script)(window, { search })
    const { qidoRoot, wadoRoot, wadoUriRoot } = window.config.dataSources[0]!.configuration
    return [qidoRoot, wadoRoot, wadoUriRoot]
  }
  const launch = '01K9ZZZZZZZZZZZZZZZZZZZZZZ'
  expect(rootsFor(`?launch=${launch}`)).toEqual(Array(3).fill(`/dicom-web/launch/${launch}`))
  expect(rootsFor('?launch=../../studies')).toEqual(Array(3).fill('/dicom-web/launch/none'))
  expect(rootsFor('')).toEqual(Array(3).fill('/dicom-web/launch/none'))
})
