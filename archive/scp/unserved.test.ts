/** What the archive does not serve is refused in the protocol's words, and the association goes on (PS3.7 annex C). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Association } from '#archive/dimse/association.ts'
import { COMMAND } from '#archive/dimse/command.ts'
import { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import {
  CT_IMAGE_STORAGE,
  MODALITY_PERFORMED_PROCEDURE_STEP,
  MR_IMAGE_STORAGE,
  STORAGE_COMMITMENT_PUSH,
  STUDY_ROOT_FIND,
  VERIFICATION,
} from '#archive/dimse/sop-class.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { openAssociation } from '#archive/scu/association.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { openArchive, type TestArchive } from './archive.fixture.ts'

let archive: TestArchive
let association: Association

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const classes = [
    CT_IMAGE_STORAGE,
    MODALITY_PERFORMED_PROCEDURE_STEP,
    STORAGE_COMMITMENT_PUSH,
    STUDY_ROOT_FIND,
    VERIFICATION,
  ]
  association = await openAssociation(
    { host: '127.0.0.1', port: archive.port, callingAe: 'CT1', calledAe: 'ISOCENTER' },
    {
      contexts: classes.map((abstractSyntax) => ({ abstractSyntax, transferSyntaxes: [EXPLICIT_LITTLE] })),
    },
  )
})

afterAll(async () => {
  await association.release()
  await archive.close()
})

const UID = '1.2.3.4'
const identifier = () => encodeDataset(Dataset.of({ QueryRetrieveLevel: 'STUDY' }), EXPLICIT_LITTLE)

async function statusOf(
  sopClassUid: string,
  service: keyof typeof COMMAND,
  affected = sopClassUid,
): Promise<number> {
  const context = association.context(sopClassUid)!
  const isRequested = ['nSet', 'nGet', 'nAction', 'nDelete'].includes(service)
  const kind = isRequested ? 'Requested' : 'Affected'
  const fields = {
    CommandField: COMMAND[service],
    [`${kind}SOPClassUID`]: affected,
    [`${kind}SOPInstanceUID`]: UID,
    ...(service === 'nAction' ? { ActionTypeID: 1 } : {}),
    ...(service === 'nEventReport' ? { EventTypeID: 1 } : {}),
  }
  const withoutData = ['nGet', 'nDelete', 'cEcho'].includes(service)
  return (await association.request(context, fields, withoutData ? undefined : identifier())).status
}

test.each([
  ['an N-GET', MODALITY_PERFORMED_PROCEDURE_STEP, 'nGet', 0x0211],
  ['an N-DELETE', MODALITY_PERFORMED_PROCEDURE_STEP, 'nDelete', 0x0211],
  ['an N-EVENT-REPORT', STORAGE_COMMITMENT_PUSH, 'nEventReport', 0x0211],
  ['an N-CREATE of another class', STORAGE_COMMITMENT_PUSH, 'nCreate', 0x0118],
  ['an N-SET of another class', STORAGE_COMMITMENT_PUSH, 'nSet', 0x0118],
  ['an N-ACTION of another class', MODALITY_PERFORMED_PROCEDURE_STEP, 'nAction', 0x0118],
  ['a query of another class', CT_IMAGE_STORAGE, 'cFind', 0x0122],
  ['a move of another class', STUDY_ROOT_FIND, 'cMove', 0x0122],
  ['a retrieval of another class', CT_IMAGE_STORAGE, 'cGet', 0x0122],
  ['an object of a class that is none', VERIFICATION, 'cStore', 0x0122],
] as const)('%s is answered with its status', async (_, sopClassUid, service, status) => {
  expect(await statusOf(sopClassUid, service)).toBe(status)
  expect(await statusOf(VERIFICATION, 'cEcho')).toBe(0)
})

test('an object whose class is not that of its presentation context is refused', async () => {
  expect(await statusOf(CT_IMAGE_STORAGE, 'cStore', MR_IMAGE_STORAGE)).toBe(0xa900)
})
