import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { anEnvelope, anOrder, seededDepartment } from '#db/order.fixture.ts'
import { seedDemo } from '#db/seed/demo.ts'
import { apiRoutes } from './routes.ts'

let department: Department
let web: Server
let base: string
let token: string
let passwords: Record<string, string>

beforeAll(async () => {
  const url = await testDatabase()
  department = await seededDepartment(url)
  const demo = await seedDemo(url, {
    secretKey: 'a'.repeat(64),
    listen: '127.0.0.1',
    ports: { emr: 2576, storeScp: 1, moveScu: 2, testScu: 3 },
  })
  token = demo.tokens.integration
  passwords = Object.fromEntries(demo.accounts.map((account) => [account.user, account.password]))
  const routes = express()
  routes.use(apiRoutes({ department, secure: false, isDemo: true }))
  web = createServer(routes)
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
})

afterAll(() => web.close())

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(base + path, {
    ...init,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...init.headers },
  })
}

async function placed(count = 1) {
  const orders = Array.from({ length: count }, () => anOrder())
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), orders)
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  return { orders, ids: received.orderIds }
}

const basic = (user: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${passwords[user]}`).toString('base64')}`,
})

test('an order is found by accession, placer and study, and by patient only in a body', async () => {
  const { orders, ids } = await placed()
  const [procedure] = await department.sql`select study_uid from procedures where order_id = ${ids[0]!}`
  const byPlacer = await (await ask(`/api/orders?placer=${orders[0]!.placer!.value}`)).json()
  expect(byPlacer.items[0]).toMatchObject({
    id: ids[0],
    studyInstanceUid: procedure!.study_uid,
    phase: 'protocolled',
    priority: 'stat',
    site: 'MAIN',
  })
  const byAccession = await (await ask(`/api/orders?accession=${byPlacer.items[0].accession}`)).json()
  expect(byAccession.items).toHaveLength(1)
  const { value } = orders[0]!.patient.identifiers[0]!
  const search = await ask('/api/orders/search', {
    method: 'POST',
    body: JSON.stringify({ patientId: value, issuer: 'MAIN' }),
  })
  expect((await search.json()).items[0].patientId).toBe(value)
  expect((await (await ask(`/api/orders?patientId=${value}`)).json()).items.length).toBeGreaterThan(0)
})

test('pages follow each other without repeating or missing an order', async () => {
  await placed(25)
  const seen: string[] = []
  let address: string | undefined = '/api/orders?limit=7'
  while (address) {
    const page: { items: { id: string }[]; next?: string } = await (await ask(address)).json()
    seen.push(...page.items.map((order) => order.id))
    address = page.next?.slice(base.length)
  }
  const [row] = await department.sql`select count(*) as n from orders`
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toHaveLength(row!.n)
})

test('a timeline is every event with its hash, and an unknown order is a 404 and an audit row', async () => {
  const { ids } = await placed()
  const { items } = await (await ask(`/api/orders/${ids[0]}/timeline`)).json()
  expect(items.map((event: { rev: number }) => event.rev)).toEqual(
    items.map((_: unknown, index: number) => index + 1),
  )
  expect(items[1].previousHash).toBe(items[0].hash)
  expect((await ask('/api/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV/timeline')).status).toBe(404)
  expect(await department.sql`select 1 from audit_events where type = 'timeline.denied'`).toHaveLength(1)
})

test('nobody without a token or an account is answered, and what they tried is on the trail', async () => {
  expect((await fetch(`${base}/api/orders`)).status).toBe(401)
  expect((await ask('/api/orders', { headers: { Authorization: 'Bearer wrong' } })).status).toBe(401)
  expect((await ask('/api/orders', { headers: basic('lead') })).status).toBe(200)
  const denied = await department.sql`select 1 from audit_events where type = 'api.denied'`
  expect(denied.length).toBeGreaterThanOrEqual(2)
})

test('the audit trail is for those who may see it', async () => {
  expect((await ask('/api/audit', { headers: basic('tech') })).status).toBe(403)
  const { items } = await (await ask('/api/audit?limit=5', { headers: basic('admin') })).json()
  expect(items).toHaveLength(5)
})

test('worklists answer what the caller may see, and an unknown kind is a 404', async () => {
  const { status } = await ask('/api/worklists/nonsense')
  expect(status).toBe(404)
  expect(await (await ask('/api/worklists/read')).json()).toEqual({ items: [] })
})

test('a configuration is compared, applied as a version, and changes nothing when applied again', async () => {
  const yaml =
    'policy:\n  unknownCallingAe: refuse\nrooms:\n  - { id: ct-9, site: MAIN, name: CT 9, modality: CT }\n'
  const put = (query = '') =>
    ask(`/api/config${query}`, {
      method: 'PUT',
      body: yaml,
      headers: { ...basic('admin'), 'Content-Type': 'application/yaml' },
    })
  const dry = await (await put('?dryRun=true')).json()
  expect(dry).toMatchObject({
    version: null,
    differences: [{ path: 'rooms/ct-9', change: 'added' }, { path: 'policy/unknownCallingAe' }],
  })
  expect(await (await put()).json()).toMatchObject({ version: 1 })
  expect(await (await put()).json()).toEqual({ version: null, differences: [] })
  expect(
    (await ask('/api/config', { method: 'PUT', body: yaml, headers: { 'Content-Type': 'application/yaml' } }))
      .status,
  ).toBe(403)
  const bad = await ask('/api/config', {
    method: 'PUT',
    body: 'devices:\n  - { aeTitle: "WAY TOO LONG AN AE TITLE", site: MAIN }',
    headers: { ...basic('admin'), 'Content-Type': 'application/yaml' },
  })
  expect(bad.status).toBe(422)
})

test('health speaks to anybody in one word, and in causes only to those who may see them', async () => {
  const anybody = await (await fetch(`${base}/health`)).json()
  expect(anybody).toEqual({
    status: 'down',
    processes: expect.objectContaining({ postgres: 'ok', archive: 'down' }),
  })
  const detailed = await (await ask('/health')).json()
  expect(detailed.faults.length).toBeGreaterThan(0)
})

test('metrics are Prometheus text, and FHIR says in its own terms that it is not served', async () => {
  expect(await (await fetch(`${base}/metrics`)).text()).toMatch(/isocenter_orders\{phase="protocolled"\} \d+/)
  const fhir = await ask('/fhir/ServiceRequest')
  expect([fhir.status, await fhir.json()]).toMatchObject([501, { resourceType: 'OperationOutcome' }])
})
