import { afterAll, beforeAll, expect, test } from 'vitest'
import { PDU } from '#archive/dimse/pdu.ts'
import { proposal, RawPeer } from '#archive/dimse/raw-peer.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { CORPUS, dcmtk, openArchive, type TestArchive, until } from './archive.fixture.ts'
import { isAllowed } from './devices.ts'

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
})

afterAll(() => archive.close())

const CT = `${CORPUS}ct-head/01.dcm`

const echo = (calling: string, called = 'ISOCENTER') =>
  dcmtk('echoscu', ['-v', '-aet', calling, '-aec', called, '127.0.0.1', String(archive.port)])

const store = (calling: string, file = CT) =>
  dcmtk('storescu', ['-v', '-aet', calling, '-aec', 'ISOCENTER', '127.0.0.1', String(archive.port), file])

/** The register is read at most once a second. */
async function untilRead(what: string, holds: () => Promise<boolean>): Promise<void> {
  await until(what, holds, 3_000)
}

async function setPolicy(unknownCallingAe: 'refuse' | 'accept-and-flag'): Promise<void> {
  const { sql } = archive.department
  await sql`update policies set body = body || ${sql.json({ unknownCallingAe })}`
}

async function lastAudit(chain: string) {
  const [row] = await archive.department.sql<
    { type: string; outcome: string; address: string; data: Record<string, unknown> }[]
  >`
    select type, outcome, address, data from audit_events where chain = ${chain} order by id desc limit 1`
  return row
}

async function exceptionsAbout(aeTitle: string) {
  return archive.department.sql<
    { reason_code: string; reason: string; times: number; refs: Record<string, unknown> }[]
  >`
    select reason_code, reason, times, refs from exceptions
    where kind = 'refused-association' and refs->>'aeTitle' = ${aeTitle} order by at`
}

test('[AR-01] DCMTK tools are known as they come and get their echo', async () => {
  expect((await echo('ECHOSCU')).said).toContain('Received Echo Response (Success)')
})

test('[AR-01] a wrong called AE title is rejected with reason 7, audited and shown to an administrator', async () => {
  const { code, said } = await echo('CT1', 'SOMEWHERE')
  expect(code).not.toBe(0)
  expect(said).toContain('Result: Rejected Permanent, Source: Service User')
  expect(said).toContain('Reason: Called AE Title Not Recognized')
  await until(
    'the refusal in the audit trail',
    async () => (await lastAudit('device:CT1'))?.type === 'association.refused',
  )
  const audit = await lastAudit('device:CT1')
  expect(audit).toMatchObject({ outcome: 'denied', address: '127.0.0.1' })
  expect(audit!.data).toMatchObject({ calledAe: 'SOMEWHERE', result: 1, source: 1, reason: 7 })
  await until('the exception', async () => (await exceptionsAbout('CT1')).length === 1)
  const [exception] = await exceptionsAbout('CT1')
  expect(exception).toMatchObject({ reason_code: 'called-ae-not-recognized', times: 1 })
  // The same thing again counts up instead of filling the list.
  await echo('CT1', 'SOMEWHERE')
  await until('the count', async () => (await exceptionsAbout('CT1'))[0]!.times === 2)
})

test('[AR-01] an unknown calling AE title is accepted and flagged, or rejected with reason 3, as the policy says', async () => {
  expect((await echo('STRANGER')).code).toBe(0)
  await until(
    'the flag',
    async () => (await lastAudit('device:STRANGER'))?.type === 'association.accepted-unknown',
  )
  await setPolicy('refuse')
  await untilRead('the refusal', async () => (await echo('STRANGER')).code !== 0)
  const { said } = await echo('STRANGER')
  expect(said).toContain('Reason: Calling AE Title Not Recognized')
  await until('both exceptions', async () => (await exceptionsAbout('STRANGER')).length === 2)
  const [flagged, exception] = await exceptionsAbout('STRANGER')
  expect(flagged).toMatchObject({ reason_code: 'unknown-calling-ae-accepted' })
  expect(flagged!.reason).toContain('let in by policy')
  expect(exception!.refs.setting).toContain('unknownCallingAe')
  expect(exception!.reason).toContain('What would allow it')
  await setPolicy('accept-and-flag')
  await untilRead('the policy', async () => (await echo('STRANGER')).code === 0)
})

test('[AR-01] a device is let in from its own addresses only, without a restart in between', async () => {
  const { sql } = archive.department
  const allow = (blocks: string[]) =>
    sql`update devices set allowed_addresses = ${blocks} where ae_title = 'CT2'`
  await allow(['10.0.0.0/8', '192.168.1.7'])
  await untilRead('the address list', async () => (await echo('CT2')).code !== 0)
  expect((await echo('CT2')).said).toContain('Reason: Calling AE Title Not Recognized')
  await until(
    'the exception',
    async () => (await exceptionsAbout('CT2'))[0]?.refs.setting === 'devices.CT2.allowedAddresses',
  )
  await allow(['10.0.0.0/8', '127.0.0.0/8'])
  await untilRead('the wider list', async () => (await echo('CT2')).code === 0)
  await sql`update devices set enabled = false where ae_title = 'CT2'`
  await untilRead('the switch', async () => (await echo('CT2')).code !== 0)
})

test('an address is held against CIDR blocks of either family, and a block nobody can read lets nobody in', () => {
  expect(isAllowed([], '203.0.113.9')).toBe(true)
  expect(isAllowed(['203.0.113.0/24'], '203.0.113.9')).toBe(true)
  expect(isAllowed(['203.0.113.0/24'], '203.0.114.9')).toBe(false)
  expect(isAllowed(['2001:db8::/32'], '2001:db8::1')).toBe(true)
  expect(isAllowed(['2001:db8::/32'], '203.0.113.9')).toBe(false)
  expect(isAllowed(['everybody'], '203.0.113.9')).toBe(false)
})

test('[AR-01] a device sends only the SOP classes and transfer syntaxes of its own list', async () => {
  const { sql } = archive.department
  const restrict = (policy: Record<string, string[]>) =>
    sql`update devices set policy = ${sql.json(policy)} where ae_title = 'US1'`
  await restrict({ sopClasses: ['1.2.840.10008.5.1.4.1.1.6.1'] })
  await untilRead('the class list', async () => (await store('US1')).code !== 0)
  await until('the refused context in the audit trail', async () => {
    const audit = await lastAudit('device:US1')
    return audit?.type === 'association.context-refused'
  })
  await restrict({ sopClasses: ['1.2.840.10008.5.1.4.1.1.2'], transferSyntaxes: ['1.2.840.10008.1.2.4.70'] })
  await untilRead('the syntax list', async () => (await store('US1')).code !== 0)
  await until('what it proposed', async () => {
    await store('US1')
    const listed = await exceptionsAbout('US1')
    return listed.some(({ reason }) => /is accepted: .*, in 1\.2\.840\.10008\.1\.2/.test(reason))
  })
  await restrict({})
  await untilRead('the open list', async () => (await store('US1')).code === 0)
})

test('[AR-01] what calls itself by no AE title is refused even where strangers are let in, for nothing of it could be filed', async () => {
  const { listener } = archive
  for (const callingAe of ['A\0B', 'A\u0007B', 'A\\B', '']) {
    const peer = new RawPeer(listener.port).send(proposal({ callingAe }))
    const [answer] = await peer.closed()
    expect([answer!.type, ...answer!.body]).toEqual([PDU.associateRj, 0, 1, 1, 3])
  }
  await until('the words', async () => (await exceptionsAbout('A?B')).length === 1)
  expect((await exceptionsAbout('A?B'))[0]!.reason).toContain('is no AE title')
})

test('[AR-01] proposals that are broken off take no place of the device they name', async () => {
  const { sql } = archive.department
  await sql`update devices set policy = ${sql.json({ maxAssociations: 1 })} where ae_title = 'MR2'`
  for (let n = 0; n < 3; n++)
    await new RawPeer(archive.port).send(proposal({ callingAe: 'MR2', maxPduBytes: 1 })).closed()
  expect((await echo('MR2')).code).toBe(0)
})

test('[AR-01] while the database does not answer, who was known is let in without a wait, and a refusal is told of later', async () => {
  const { sql } = archive.department
  await echo('CT1')
  let said = ''
  await sql.begin(async (away) => {
    await away`lock table devices, sites, audit_chains in access exclusive mode`
    expect((await echo('MR1')).code).toBe(0)
    said = (await echo('MR1', 'ELSEWHERE')).said
  })
  expect(said).toContain('Reason: Called AE Title Not Recognized')
  await until('the refusal', async () => (await exceptionsAbout('MR1')).length === 1)
})
