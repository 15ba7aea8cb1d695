/** Which orders stand there to choose from when images are somebody else's, and who may say so. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import type { WrongExam } from '#db/queries/wrong-exam.ts'
import { arrived, ordered, scanned } from '#db/scanned.fixture.ts'
import { action as scanAction, loader as scanLoader } from './scan-queue.tsx'
import { type AtTheScreen, sitDown } from './screen.fixture.ts'
import { action } from './wrong-exam.ts'

let department: Department
let tech: AtTheScreen
let reader: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  tech = await sitDown(department, { databaseUrl, user: 'tech' })
  reader = await sitDown(department, { databaseUrl, user: 'radiologist' })
})

afterAll(() => department.close())

const ask = (fields: Record<string, string>, who = tech) => action(who.args('/scan-queue/wrong-exam', fields))

test('[MA-12] the room’s orders of today stand first, the scanned person’s before them, both identities beside', async () => {
  const [made, here] = [await arrived(department), await arrived(department)]
  const elsewhere = await ordered(department)
  const { performedStepId } = await scanned(department, made)
  const choices = async (fields: Record<string, string> = {}) => {
    const found = await ask({ intent: 'choices', performedStepId, ...fields })
    return (found as unknown as { exam: WrongExam }).exam
  }
  const exam = await choices()
  expect(exam.made).toMatchObject({ accession: made.accession, identifiers: [made.mrn], images: 2 })
  expect(exam.choices.map(({ accession }) => accession)).toEqual([here.accession, elsewhere.accession])
  const scannedFirst = await choices({ scanned: elsewhere.mrn })
  expect(scannedFirst.choices[0]).toMatchObject({ accession: elsewhere.accession, isScanned: true })
})

test('[MA-12] the row says where images came from and that reading waits, and nobody but technologist and lead moves', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const { performedStepId } = await scanned(department, wrong)
  const move = { intent: 'move', performedStepId, toStepId: right.stepId, reason: 'wrong-patient' }
  await expect(ask(move, reader)).rejects.toMatchObject({ init: { status: 404 } })
  await scanAction(tech.args('/scan-queue', { intent: 'room', roomId: 'ct-1' }))
  expect(await ask(move)).toMatchObject({ ok: false, code: 'forbidden' })
  await scanAction(tech.args('/scan-queue', { intent: 'room', roomId: 'xr-1' }))
  expect(await ask(move)).toMatchObject({ ok: true })
  const { steps } = await scanLoader(tech.args('/scan-queue'))
  const rowOf = (stepId: string) => steps.find((step) => step.stepId === stepId)
  expect(rowOf(right.stepId)).toMatchObject({
    status: 'departed',
    movedHere: { accession: wrong.accession, isOpen: true },
    isMovedUnchecked: true,
  })
  expect(rowOf(wrong.stepId)).toMatchObject({ status: 'ready', movedAway: { accession: right.accession } })
})
