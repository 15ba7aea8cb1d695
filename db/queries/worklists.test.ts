import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { compareListKeys } from '#domain/list-order.ts'
import type { Actor } from '#domain/permissions.ts'
import type { PatientClass, Priority } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { claim, release } from '../mutations/work-items.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { readableStudy } from '../reading.fixture.ts'
import { ulid } from '../ulid.ts'
import { type Asked, type WorklistRow, worklist } from './worklists.ts'

let department: Department
let actor: Actor
/** One study that came the whole way; the others of a long list are its copies with other facts. */
let pattern: string

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  ;({ actor } = await actAs(department, 'radiologist'))
  pattern = (await readableStudy(department, 'routine')).itemId
})

afterAll(async () => department.close())

interface Copy {
  priority?: Priority
  patientClass?: PatientClass
  modality?: string
  area?: string
  birthDate?: string
  /** How long ago it was opened. */
  ageMs?: number
}

/** Lists a copy of the one study, with an order and a patient of its own. */
async function list(now: Date, copy: Copy = {}): Promise<string> {
  const { priority = 'routine', patientClass = 'outpatient', ageMs = 0 } = copy
  const [id, at] = [ulid(), new Date(now.getTime() - ageMs)]
  await department.sql.begin(async (sql) => {
    await sql`
      insert into patients select (jsonb_populate_record(p, ${sql.json({ id, birth_date: copy.birthDate ?? '1978-02-14' })})).*
      from patients p join orders o on o.patient_id = p.id join work_items w on w.order_id = o.id where w.id = ${pattern}`
    await sql`
      insert into orders select (jsonb_populate_record(o, ${sql.json({
        ...{ id, patient_id: id, filler_number: id, placer_number: id, accession: id.slice(-12) },
        ...{ priority, patient_class: patientClass },
      })})).* from orders o join work_items w on w.order_id = o.id where w.id = ${pattern}`
    await sql`
      insert into procedures select (jsonb_populate_record(p, ${sql.json({ id, order_id: id, requested_procedure_id: id.slice(-12) })})).*
      from procedures p join work_items w on w.order_id = p.order_id where w.id = ${pattern}`
    await sql`
      insert into work_items select (jsonb_populate_record(w, ${sql.json({
        ...{ id, subject_id: id, order_id: id, priority },
        ...{ opened_at: at, due_from: at, due_at: new Date(at.getTime() + 4 * 3_600_000) },
        ...{ modality: copy.modality ?? 'CT', area: copy.area ?? 'neuro' },
      } as never)})).* from work_items w where w.id = ${pattern}`
  })
  return id
}

const page = (asked: Asked) => worklist(department.sql, actor, ['read'], asked)

/** Every page of one list, and what happens between two of them. */
async function paged(asked: Asked, between: () => Promise<void>): Promise<WorklistRow[]> {
  const rows: WorklistRow[] = []
  let more = 1
  while (more > 0) {
    const found = await page({ ...asked, after: rows.at(-1)?.key })
    rows.push(...found.rows)
    more = found.more
    await between()
  }
  return rows
}

const PRIORITIES: Priority[] = ['routine', 'urgent', 'stat', 'routine', 'routine', 'urgent', 'routine']
const CLASSES: PatientClass[] = ['outpatient', 'emergency', 'inpatient', 'screening', 'intensive-care']
const nth = (n: number): Copy => ({
  priority: PRIORITIES[n % PRIORITIES.length]!,
  patientClass: CLASSES[n % CLASSES.length]!,
  ageMs: ((n * 7_919) % 600) * 60_000,
})

describe('[RW-10] a list', () => {
  test.each(['list', 'due'] as const)(
    'in the order of %s is paged exactly while rows arrive: none twice, none left out, none of those that came since',
    async (order) => {
      const now = await department.now()
      for (let n = 0; n < 24; n += 1) await list(now, nth(n))
      const before = (await page({ now, order })).rows.map(({ itemId }) => itemId)
      expect(before.length).toBeGreaterThanOrEqual(25)

      const later = new Date(now.getTime() + 1)
      let n = 0
      const rows = await paged({ now, order, limit: 5 }, async () => {
        // They stand before and after the page that is read: a STAT, an old one, and one like any.
        for (const copy of [{ priority: 'stat' as const }, { priority: 'urgent' as const }, nth(n)])
          await list(later, { ...copy, ageMs: 0 })
        n += 1
      })
      expect(n).toBeGreaterThan(4)
      expect(rows.map(({ itemId }) => itemId)).toEqual(before)
      if (order === 'list') expect([...rows].sort((a, b) => compareListKeys(a.key, b.key))).toEqual(rows)

      const next = await page({ now: new Date(later.getTime() + 1), order, limit: 1_000 })
      expect(next.total).toBe(before.length + 3 * n)
    },
  )

  test('keeps its order over a minute’s turn between two pages', async () => {
    const now = await department.now()
    const before = (await page({ now, limit: 1_000 })).rows.map(({ itemId }) => itemId)
    const first = await page({ now, limit: 10 })
    const second = await page({ now, limit: 1_000, after: first.rows.at(-1)!.key })
    expect([...first.rows, ...second.rows].map(({ itemId }) => itemId)).toEqual(before)
    // A week on the same rows stand in another order, which no page of the first list shows.
    const turned = await page({ now: new Date(now.getTime() + 7 * 86_400_000), limit: 1_000 })
    expect(turned.rows.map(({ itemId }) => itemId)).not.toEqual(before)
    expect(turned.total).toBe(before.length)
  })

  test('counts each of its views exactly, and shows those of its filter alone', async () => {
    const now = await department.now()
    for (let n = 0; n < 12; n += 1)
      await list(now, {
        modality: n % 3 === 0 ? 'XA' : 'MR',
        area: 'nuclear',
        birthDate: n % 2 ? '2020-05-05' : '1950-01-01',
      })
    const counted = {
      all: {},
      nuclear: { area: ['nuclear'] },
      'children on XA': { modality: ['XA'], age: ['child'] },
    }
    const { rows, total, counts } = await page({
      now,
      filter: { area: ['nuclear'], age: ['senior'] },
      counted,
    })
    expect(total).toBe(6)
    expect(rows.every(({ area }) => area === 'nuclear')).toBe(true)
    expect(counts.nuclear?.count).toBe(12)
    expect(counts['children on XA']?.count).toBe(2)
    expect(counts.all?.count).toBeGreaterThan(12)
  })

  test('says which of them are the reader’s own, and which are late', async () => {
    const now = await department.now()
    const itemId = await list(now, { area: 'msk', ageMs: 5 * 3_600_000 })
    await list(now, { area: 'msk' })
    const act = await actAs(department, 'radiologist')
    const counted = { mine: { claim: ['mine'], area: ['msk'] }, late: { time: ['late'], area: ['msk'] } }
    const asked = { filter: { area: ['msk'] }, counted }
    expect((await page({ now, ...asked })).counts).toEqual({
      mine: { count: 0, late: 0 },
      late: { count: 1, late: 1 },
    })
    // What no reader can take here shows how a claim changes a view; the study behind it is its pattern's.
    await department.sql`update work_items set state = 'claimed', holder = ${act.actor.id}, lease_until = ${new Date(Date.now() + 60_000)} where id = ${itemId}`
    expect((await page({ now, ...asked })).counts.mine).toEqual({ count: 1, late: 1 })
  })
})

test('[RW-05] a case that waits for a prior stands behind its tier with its time stopped, and says what it waits for', async () => {
  const now = await department.now()
  const [waiting, other] = [
    await list(now, { area: 'breast', priority: 'urgent', ageMs: 3 * 3_600_000 }),
    await list(now, { area: 'breast', priority: 'urgent', ageMs: 60_000 }),
  ]
  const asked = { now, filter: { area: ['breast'] } }
  expect((await page(asked)).rows.map(({ itemId }) => itemId)).toEqual([waiting, other])
  await department.sql`
    insert into pauses (id, item_id, reason, owner, from_at, limit_at)
    values (${ulid()}, ${waiting}, 'waiting-prior', 'interface', ${new Date(now.getTime() - 7_200_000)}, ${now})`
  const { rows } = await page(asked)
  expect(rows.map(({ itemId }) => itemId)).toEqual([other, waiting])
  expect(rows[1]!.why).toContainEqual({ id: 'paused', reason: 'waiting-prior' })
})

test('[RW-05] a claim and a release leave every row where it stands: the order is that of the facts alone', async () => {
  const act = await actAs(department, 'radiologist')
  const asked = { now: act.now, limit: 1_000 }
  const before = (await page(asked)).rows.map(({ key }) => key)
  const held = await claim(department, act, { itemId: pattern })
  expect((await page(asked)).rows.map(({ key }) => key)).toEqual(before)
  await release(department, act, held)
  expect((await page(asked)).rows.map(({ key }) => key)).toEqual(before)
})
