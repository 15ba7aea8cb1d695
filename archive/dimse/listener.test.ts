import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { Dataset } from './dataset.ts'
import { CALLED_AE_NOT_RECOGNIZED, type Listener, type ListenOptions, listenDimse } from './listener.ts'
import type { Refusal } from './refusal.ts'
import type { Services } from './services.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './transfer-syntax.ts'

const run = promisify(execFile)
const open: Listener[] = []
const refusals: Refusal[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()))
  refusals.length = 0
})

async function listening(services: Services, more: Partial<ListenOptions> = {}): Promise<Listener> {
  const supports = () => ({ transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE], anyTransferSyntax: true })
  const listener = await listenDimse({
    host: '127.0.0.1',
    port: 0,
    authorise: () => ({ accept: true, supports, services }),
    onRefusal: (refusal) => refusals.push(refusal),
    ...more,
  })
  open.push(listener)
  return listener
}

test('DCMTK echoscu gets its echo', async () => {
  const { port } = await listening({})
  const { stdout, stderr } = await run('echoscu', ['-v', '127.0.0.1', String(port)])
  expect(stdout + stderr).toContain('Received Echo Response (Success)')
})

test('[AR-01] the port is open on the address it is bound to, and on no other of the machine', async () => {
  const { port } = await listening({}, { host: '127.0.0.2' })
  const reached = (host: string) =>
    run('echoscu', [host, String(port)]).then(
      () => true,
      () => false,
    )
  expect([await reached('127.0.0.2'), await reached('127.0.0.1')]).toEqual([true, false])
})

test('[AR-01] an unknown called AE title is rejected as the standard says, and the refusal is in words', async () => {
  const { port } = await listening(
    {},
    { authorise: () => ({ accept: false, ...CALLED_AE_NOT_RECOGNIZED, why: 'No such AE title here' }) },
  )
  const failed = await run('echoscu', ['-aec', 'NOBODY', '127.0.0.1', String(port)]).catch((error) => error)
  expect(failed.stderr).toContain('Result: Rejected Permanent, Source: Service User')
  expect(failed.stderr).toContain('Reason: Called AE Title Not Recognized')
  expect(refusals).toMatchObject([
    { kind: 'rejected', calledAe: 'NOBODY', callingAe: 'ECHOSCU', why: 'No such AE title here' },
  ])
})

test('findscu finds two matches on the worklist', async () => {
  const asked: (string | undefined)[] = []
  const { port } = await listening({
    async *cFind({ dataset }) {
      asked.push(dataset.item('ScheduledProcedureStepSequence')?.text('ScheduledStationAETitle'))
      for (const name of ['Müller^Änne', 'Doe^Jane']) {
        const step = Dataset.of({ Modality: 'CT', ScheduledProcedureStepStartDate: '20260101' })
        yield Dataset.of({ PatientName: name, PatientID: 'P1', ScheduledProcedureStepSequence: [step] })
      }
    },
  })
  const out = mkdtempSync(join(tmpdir(), 'findscu-'))
  const keys = ['-k', 'PatientName', '-k', 'ScheduledProcedureStepSequence[0].ScheduledStationAETitle=CT1']
  await run('findscu', ['-W', '-X', '-od', out, ...keys, '127.0.0.1', String(port)])
  expect(asked).toEqual(['CT1'])
  const { stdout } = await run('dcmdump', ['+U8', join(out, 'rsp0001.dcm')])
  expect(stdout).toContain('[Müller^Änne]')
  expect(stdout).toContain('ISO_IR 192')
  const second = readFileSync(join(out, 'rsp0002.dcm'))
  expect(second.includes('Doe^Jane')).toBe(true)
})
