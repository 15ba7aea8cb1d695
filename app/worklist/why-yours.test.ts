import { afterAll, beforeAll, expect, test } from 'vitest'
import { readingAnswer } from '#app/server/reading-answer.ts'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { claim, release } from '#db/mutations/work-items.ts'
import { actAs, anOrder, seededDepartment } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { localDate } from '#domain/calendar.ts'
import type { IneligibleReason, WhyYours } from '#domain/eligibility.ts'
import { parseCredential } from '#domain/permissions.ts'
import { hasWord } from '../strings/words.ts'
import { allRows, type ListAnswer } from './list-source.ts'
import type { ListedCase } from './listed-case.ts'
import { yoursInWords } from './why-yours.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

afterAll(async () => department.close())

/** A routine study of the head, waiting to be read. */
async function waiting(birthDate: string): Promise<string> {
  const { patient } = anOrder()
  const born = { ...patient, birthDate: { value: birthDate, precision: 'day' as const } }
  return (await readableStudy(department, 'routine', { patient: born })).orderId
}

test('[RW-03] what a reader’s list says of a case is what happens when they take it', async () => {
  const adult = await waiting('1960-05-01')
  const child = await waiting('2019-05-01')
  const reading = parseCredential('reading')
  const readers = [
    { areas: ['neuro'], credentials: [reading] },
    { areas: ['neuro'], credentials: [reading, parseCredential('paediatric@MAIN')] },
    { areas: ['chest'], credentials: [reading, parseCredential('paediatric')] },
    { areas: ['neuro'], credentials: [parseCredential('reading@MAIN/2020-01-01')] },
  ]
  const act = await actAs(department, 'radiologist')
  const at = { now: act.now, today: localDate('Europe/Berlin', act.now) }
  const said: string[][] = []
  for (const qualified of readers) {
    const actor = { ...act.actor, ...qualified }
    const signedIn = { person: { id: actor.id, actor, roles: actor.roles }, server: { department } }
    const answer = JSON.parse(await readingAnswer(signedIn as never, '')) as ListAnswer<
      ListedCase,
      { reader: typeof actor }
    >
    expect(answer.reader).toEqual(actor)
    for (const orderId of [adult, child]) {
      const row = allRows(answer.list).find((listed) => listed.orderId === orderId)!
      const words = yoursInWords(row, answer.reader, at)
      said.push(words)
      const taking = claim(department, { ...act, actor }, { itemId: row.id })
      if (words.some((word) => word.startsWith('Not yours')))
        await expect(taking).rejects.toMatchObject({ code: 'not-eligible' })
      else await release(department, { ...act, actor }, await taking)
    }
  }
  const mine = ['Yours: your area', 'You may read at its site']
  expect(said).toEqual([
    mine,
    ['Not yours: a child'],
    mine,
    [mine[0], 'Yours: you read children', mine[1]],
    ['Not yours: another area'],
    ['Not yours: another area'],
    ['Not yours: you may not read at its site today'],
    ['Not yours: you may not read at its site today'],
  ])
})

test('[RW-03] every rule has its words', () => {
  type By = Extract<WhyYours, { id: 'yours' }>['by']
  const rules = {
    yours: {
      area: 1,
      shift: 1,
      'no-area': 1,
      spill: 1,
      paediatric: 1,
      mammography: 1,
      credential: 1,
    } satisfies Record<By, 1>,
    'not-yours': {
      ...{ role: 1, site: 1, credential: 1, area: 1, paediatric: 1, mammography: 1, resident: 1, author: 1 },
      'first-reader': 1,
    } satisfies Record<IneligibleReason, 1>,
  }
  for (const [id, names] of Object.entries(rules))
    for (const name of Object.keys(names)) expect(hasWord(`why.${id}.${name}`)).toBe(true)
})
