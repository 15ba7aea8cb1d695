import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import { signedOrder } from '../../timeline/signed-order.fixture.ts'
import { action as amend, loader as amendment } from '../radiologist/amendment.tsx'
import { action as critical } from '../radiologist/critical-results.tsx'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { loader as orderPage } from './order-timeline.tsx'

let department: Department
const at: Record<string, AtTheScreen> = {}

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  for (const user of ['radiologist', 'lead', 'tech', 'referrer'])
    at[user] = await sitDown(department, { databaseUrl, user })
}, 30_000)

afterAll(() => department.close())

async function signed() {
  const { orderId } = await signedOrder(department)
  const [report] = await department.sql<{ id: string }[]>`select id from reports where order_id = ${orderId}`
  return { orderId, reportId: report!.id }
}

type Ids = Awaited<ReturnType<typeof signed>>

const onOrder = async ({ orderId }: Ids, user = 'radiologist') =>
  (await orderPage({ ...at[user]!.args(`/orders/${orderId}`), params: { orderId } } as never)).critical
const amending = ({ reportId }: Ids, fields?: Record<string, string>) =>
  ({ ...at.radiologist!.args(`/reports/${reportId}/amend`, fields), params: { reportId } }) as never
const press = (fields: Record<string, string>, user = 'radiologist') =>
  critical(at[user]!.args('/critical-results', fields) as never)

test('[CR-01] who writes an addendum raises its critical finding there; it is told before the addendum is signed, and stands in it', async () => {
  const ids = await signed()
  expect(await amend(amending(ids, { intent: 'open', kind: 'addendum' }))).toMatchObject({ ok: true })
  expect((await amendment(amending(ids))).critical).toMatchObject({ results: [], mayRaise: true })
  const finding = 'A bleed that was overlooked.'
  const raise = { intent: 'raise', reportId: ids.reportId, level: '1', finding }
  expect(await press(raise)).toMatchObject({ ok: true })

  const { critical: there, report } = await amendment(amending(ids))
  expect(there.results).toMatchObject([{ finding, state: 'open', orderId: ids.orderId }])
  const words = JSON.stringify([{ key: 'addendum', text: 'There is a bleed.' }])
  const sign = () => {
    const { password } = at.radiologist!
    const fields = { intent: 'sign', kind: 'addendum', fence: String(report.open!.fence), sections: words }
    return amend(amending(ids, { ...fields, password }))
  }
  expect(await sign()).toMatchObject({ ok: false, code: 'check-failed' })

  const { id } = there.results[0]!
  const zone = (await department.sql<{ zone: string }[]>`select zone from sites order by id limit 1`)[0]!.zone
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' })
  const toldAt = clock.format(await department.now())
  const told = {
    intent: 'communicate',
    criticalId: id,
    recipient: 'Dr Otto Sample',
    toldAt,
    method: 'telephone',
  }
  expect(await press({ ...told, readBack: 'on' })).toMatchObject({ ok: true })
  expect(await sign()).toMatchObject({ ok: true })
  const [version] = await department.sql<{ kind: string; text: string }[]>`
    select kind, content->'sections'->0->>'text' as text from report_versions where report_id = ${ids.reportId}
    order by version desc limit 1`
  expect(version!.kind).toBe('addendum')
  expect(version!.text).toContain('There is a bleed.')
  expect(version!.text).toContain(`Critical result (level 1): ${finding}`)
})

test('[CR-01] the order’s page raises one and shows it; who tells none has no such panel, and is refused', async () => {
  const ids = await signed()
  const before = await onOrder(ids)
  expect(before).toMatchObject({ reportId: ids.reportId, view: { results: [], mayRaise: true } })
  const raise = { intent: 'raise', ...ids, level: '2', finding: 'A nodule that nobody followed.' }
  await expect(press(raise, 'tech')).rejects.toMatchObject({ init: { status: 404 } })
  expect(await press(raise, 'lead')).toMatchObject({ ok: false, code: 'forbidden' })
  expect(await press(raise)).toMatchObject({ ok: true })
  expect((await onOrder(ids))!.view.results).toMatchObject([{ finding: raise.finding, state: 'open' }])
  // A lead writes down that it was told, and raises none.
  expect((await onOrder(ids, 'lead'))!.view).toMatchObject({ mayRaise: false, mayDocument: true })
  expect(await onOrder(ids, 'tech')).toBeNull()
})
