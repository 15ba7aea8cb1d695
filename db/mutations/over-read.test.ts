import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { refusalCode } from '#domain/errors.ts'
import type { Agreement, ReportState } from '#domain/words.ts'
import type { TransactionSql } from '../client.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { handedOn as handedOnWords } from '../queries/over-read.ts'
import { worklist } from '../queries/worklists.ts'
import { openItem, readableStudy } from '../reading.fixture.ts'
import { dutyAct } from './act.ts'
import { beginAttempt, laneHead } from './deliveries.ts'
import { sendBackReport, submitReport } from './hand-on.ts'
import { recomputePhases } from './phases.ts'
import {
  issuePreliminary,
  issueWetRead,
  openReport,
  recallReport,
  saveDraft,
  signReport,
  type UnderFence,
} from './reports.ts'
import { settleOrder } from './settle.ts'
import { claim, release } from './work-items.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

const words = (impression: string, findings = 'As described.') => ({
  sections: [
    { key: 'findings', text: findings },
    { key: 'impression', text: impression },
  ],
})

/** One case that goes from hand to hand; each act is done by whoever sits there, under their claim. */
class Case {
  readonly orderId: string
  reading: UnderFence
  constructor(orderId: string, reading: UnderFence) {
    this.orderId = orderId
    this.reading = reading
  }
  wetRead = async (who: string, impression = 'No bleed.') =>
    issueWetRead(department, await actAs(department, who), { ...this.reading, content: words(impression) })
  preliminary = async (who: string, impression = 'No bleed.') =>
    issuePreliminary(department, await actAs(department, who), {
      ...this.reading,
      content: words(impression),
    })
  submit = async (who: string, impression = 'No bleed.') =>
    submitReport(department, await actAs(department, who), { ...this.reading, content: words(impression) })
  save = async (who: string, impression: string) =>
    saveDraft(department, await actAs(department, who), { ...this.reading, content: words(impression) })
  sendBack = async (who: string, reason = 'missed', said: string | null = null, reauthenticated = true) =>
    sendBackReport(department, await actAs(department, who), {
      ...{ ...this.reading, reason, words: said, reauthenticated },
    })
  sign = async (who: string, agreement: Agreement | null = null, impression = 'No bleed.') =>
    signReport(department, await actAs(department, who), {
      ...{ ...this.reading, content: words(impression), agreement, reauthenticated: true },
    })
  /** The order's workflow looks, and the item of that kind is claimed. */
  async take(who: string, kind: string, now?: Date): Promise<void> {
    await this.settle()
    const act = await actAs(department, who, now)
    const itemId = await openItem(department, this.orderId, kind)
    const { fence } = await claim(department, act, { itemId })
    this.reading = { ...this.reading, itemId, fence }
  }
  async giveBack(who: string): Promise<void> {
    await release(department, await actAs(department, who), this.reading)
  }
  settle = async () => settleOrder(department, await dutyAct(department), { orderId: this.orderId })
  async state(): Promise<ReportState> {
    const [row] = await department.sql<{ state: ReportState }[]>`
      select state from reports where id = ${this.reading.reportId}`
    return row!.state
  }
  async openKinds(): Promise<string[]> {
    await this.settle()
    const rows = await department.sql<{ kind: string }[]>`
      select kind from work_items where order_id = ${this.orderId} and state in ('open', 'claimed') order by kind`
    return rows.map(({ kind }) => kind)
  }
  versions = () => department.sql<
    {
      kind: string
      released: boolean
      deliveries: number
      agreement: string | null
      author: string
      signer: string | null
    }[]
  >`
    select v.kind, v.released_at is not null as released, v.agreement, a.user_name as author, s.user_name as signer,
      (select count(*)::int from deliveries d where d.report_id = v.report_id and d.version = v.version) as deliveries
    from report_versions v join users a on a.id = v.author_id left join users s on s.id = v.signer_id
    where v.report_id = ${this.reading.reportId} order by v.version`
}

async function aCase(who: string, priority: 'stat' | 'routine' = 'routine'): Promise<Case> {
  const { orderId, itemId } = await readableStudy(department, priority)
  const act = await actAs(department, who)
  const held = await claim(department, act, { itemId })
  const { reportId } = await openReport(department, act, held)
  return new Case(orderId, { ...held, reportId })
}

const refused = (code: string) => ({ code })

test('[RW-07][RP-03] a resident’s wet read and preliminary go out at once, and an attending over-reads them with a grade', async () => {
  const one = await aCase('resident')
  await one.wetRead('resident')
  expect(await one.state()).toBe('WET_READ')
  expect(await one.openKinds()).toEqual(['read'])
  expect(await one.wetRead('resident')).toMatchObject({ version: 1 })
  await one.wetRead('resident', 'A small bleed.')
  await one.save('resident', 'A small bleed on the left.')
  expect(await one.state()).toBe('WET_READ')
  const { version } = await one.preliminary('resident', 'A small bleed on the left.')
  expect(await one.preliminary('resident', 'A small bleed on the left.')).toEqual({ version })
  expect(await one.state()).toBe('PRELIM')
  expect(await one.openKinds()).toEqual(['over-read'])
  const [order] = await department.sql`select phase from orders where id = ${one.orderId}`
  expect(order!.phase).toBe('preliminary')

  await expect(one.take('resident', 'over-read')).rejects.toMatchObject(refused('forbidden'))
  await one.take('radiologist', 'over-read')
  await expect(one.wetRead('radiologist')).rejects.toMatchObject(refused('illegal-transition'))
  await expect(one.sendBack('radiologist')).rejects.toMatchObject(refused('illegal-transition'))
  await expect(one.sign('radiologist')).rejects.toMatchObject({
    ...refused('check-failed'),
    refs: { check: 'agreement' },
  })
  await one.save('radiologist', 'A small bleed on the right.')
  await one.sign('radiologist', 'major', 'A small bleed on the right.')
  expect(await one.state()).toBe('FINAL')
  expect(await one.versions()).toEqual([
    { kind: 'wet-read', released: true, deliveries: 1, agreement: null, author: 'resident', signer: null },
    { kind: 'wet-read', released: true, deliveries: 1, agreement: null, author: 'resident', signer: null },
    { kind: 'preliminary', released: true, deliveries: 1, agreement: null, author: 'resident', signer: null },
    {
      kind: 'final',
      released: false,
      deliveries: 0,
      agreement: 'major',
      author: 'resident',
      signer: 'radiologist',
    },
  ])
  const [wet] = await department.sql`
    select content->'sections' as sections from report_versions where report_id = ${one.reading.reportId} and version = 2`
  expect(wet!.sections).toEqual([{ key: 'impression', text: 'A small bleed.' }])
  const [handedOn] = await department.sql`
    select content, version from report_submissions where report_id = ${one.reading.reportId}`
  expect(handedOn).toEqual({ content: words('A small bleed on the left.'), version })
  const [signed] = await department.sql`
    select data from order_events where order_id = ${one.orderId} and type = 'report.signed'`
  expect(signed!.data).toMatchObject({ grade: 'major' })
})

test('[RW-07][RP-03] a submission waits for a colleague, is sent back with a reason, mended, and signed by who did not write it', async () => {
  const one = await aCase('radiologist')
  expect(await one.submit('radiologist', 'Normal.')).toEqual({ submission: 1 })
  expect(await one.submit('radiologist', 'Other words, too late.')).toEqual({ submission: 1 })
  expect(await one.state()).toBe('PENDING_SIGN')
  expect(await one.openKinds()).toEqual(['sign'])
  await expect(one.save('radiologist', 'Later thoughts.')).rejects.toMatchObject(refused('stale-fence'))
  expect(await one.versions()).toEqual([])

  await expect(one.take('radiologist', 'sign')).rejects.toMatchObject(refused('forbidden'))
  const own = (await actAs(department, 'radiologist')).actor
  const seen = await worklist(department.sql, own, ['sign'], { now: await department.now() })
  expect(seen.rows.filter(({ order }) => order?.id === one.orderId)).toEqual([])

  await one.take('radiologist2', 'sign')
  await one.save('radiologist2', 'Normal, but the sinus.')
  expect(await one.state()).toBe('PENDING_SIGN')
  expect(await one.submit('radiologist2')).toEqual({ submission: 1 })
  await expect(one.preliminary('radiologist2')).rejects.toMatchObject(refused('illegal-transition'))
  await expect(one.wetRead('radiologist2')).rejects.toMatchObject(refused('illegal-transition'))
  await expect(one.sendBack('radiologist2', 'because')).rejects.toMatchObject(refused('reason-required'))
  await expect(one.sendBack('radiologist2', 'other', '  ')).rejects.toMatchObject(refused('reason-required'))
  await expect(one.sendBack('radiologist2', 'missed', null, false)).rejects.toMatchObject(
    refused('reauthentication-required'),
  )
  await one.sendBack('radiologist2', 'missed', 'Look at the sinus.')
  await one.sendBack('radiologist2', 'missed', 'Look at the sinus.')
  expect(await one.state()).toBe('SIGN_REJECTED')
  expect(await one.openKinds()).toEqual(['sent-back'])
  const [back] = await department.sql`
    select number, content, sent_back_reason as reason, sent_back_words as words from report_submissions
    where report_id = ${one.reading.reportId}`
  expect(back).toEqual({
    number: 1,
    content: words('Normal.'),
    reason: 'missed',
    words: 'Look at the sinus.',
  })
  const [told] = await department.sql`
    select data from order_events where order_id = ${one.orderId} and type = 'report.sent-back'`
  expect(told!.data).toEqual({ reportId: one.reading.reportId, submission: 1, reason: 'missed' })

  await expect(one.take('radiologist2', 'sent-back')).rejects.toMatchObject(refused('forbidden'))
  await one.take('radiologist', 'sent-back')
  await expect(one.wetRead('radiologist')).rejects.toMatchObject(refused('illegal-transition'))
  await one.sendBack('radiologist')
  expect(await one.openKinds()).toEqual(['sent-back'])
  await one.save('radiologist', 'Sinusitis.')
  expect(await one.state()).toBe('SIGN_REJECTED')
  await one.preliminary('radiologist', 'Sinusitis.')
  expect(await one.state()).toBe('PRELIM')
  expect(await one.openKinds()).toEqual(['sent-back'])
  expect(await one.submit('radiologist', 'Sinusitis.')).toEqual({ submission: 2 })
  expect(await one.openKinds()).toEqual(['sign'])
  await one.take('radiologist2', 'sign')
  await one.sign('radiologist2', 'agree', 'Sinusitis.')
  // No grade for a colleague: one was given and is not kept.
  expect((await one.versions()).at(-1)).toMatchObject({
    ...{ kind: 'final', agreement: null, author: 'radiologist', signer: 'radiologist2' },
  })
})

test('[RW-07][RP-12] a recalled over-read is an over-read again, and a recalled signature of a submission waits for one again', async () => {
  const submitted = await aCase('resident')
  await submitted.submit('resident')
  await submitted.take('radiologist', 'over-read')
  const { version } = await submitted.sign('radiologist', 'agree')
  await recallReport(department, await actAs(department, 'radiologist'), { ...submitted.reading, version })
  expect(await submitted.state()).toBe('PENDING_SIGN')
  const [recalled] = await department.sql`
    select data from order_events where order_id = ${submitted.orderId} and type = 'report.recalled'`
  expect(recalled!.data).toMatchObject({ state: 'PENDING_SIGN' })
  expect(await submitted.openKinds()).toEqual(['over-read'])
  // Whoever took it back has it in hand.
  await expect(submitted.take('radiologist2', 'over-read')).rejects.toMatchObject(refused('already-claimed'))
  await submitted.take('radiologist', 'over-read')
  await submitted.giveBack('radiologist')
  await submitted.take('radiologist2', 'over-read')
  await submitted.sendBack('radiologist2', 'incomplete')
  await submitted.take('resident', 'sent-back')
  expect(await submitted.submit('resident', 'Mended.')).toEqual({ submission: 2 })
  await submitted.take('radiologist', 'over-read')
  await submitted.sign('radiologist', 'minor', 'Mended.')
  expect((await submitted.versions()).map(({ kind, agreement }) => [kind, agreement])).toEqual([
    ['final', 'agree'],
    ['final', 'minor'],
  ])
})

test('[RW-07] what its author leaves lying is any radiologist’s after four hours, and still graded', async () => {
  const one = await aCase('resident')
  await one.submit('resident')
  await one.take('radiologist', 'over-read')
  await one.sendBack('radiologist', 'wrong')
  const { actor, now } = await actAs(department, 'radiologist')
  await expect(one.take('radiologist', 'sent-back')).rejects.toMatchObject(refused('forbidden'))
  const after = new Date(now.getTime() + 4 * 3_600_000 + 60_000)
  await one.take('radiologist', 'sent-back', after)
  await expect(one.sign('radiologist')).rejects.toMatchObject(refused('check-failed'))
  await one.sign('radiologist', 'major')
  expect((await one.versions()).at(-1)).toMatchObject({ agreement: 'major', author: 'resident' })
  expect(actor.roles).toContain('radiologist')
})

test('[RW-02] words are saved into the report of the case that is held, and into no other', async () => {
  const [one, other] = [await aCase('radiologist'), await aCase('resident')]
  await one.save('radiologist', 'Mine.')
  const mixed = { ...one.reading, reportId: other.reading.reportId, content: words('Not mine.') }
  await expect(saveDraft(department, await actAs(department, 'radiologist'), mixed)).rejects.toMatchObject(
    refused('stale-fence'),
  )
  const drafts = await department.sql`
    select content from report_drafts where report_id in (${one.reading.reportId}, ${other.reading.reportId})`
  expect([...drafts]).toEqual([{ content: words('Mine.') }])
})

test('[RW-02] words that arrive while the signature is being given are kept aside, and none are left over the signed report', async () => {
  const one = await aCase('radiologist')
  const { itemId, reportId } = one.reading
  await one.save('radiologist', 'Normal.')
  let late: Promise<unknown> | undefined
  await department.sql.begin(async (signature) => {
    // As a signature does it: the item is locked, the draft goes, the item is done.
    await signature`select 1 from work_items where id = ${itemId} for update`
    await signature`delete from report_drafts where report_id = ${reportId}`
    late = one.save('radiologist', 'Too late.').catch((error) => refusalCode(error))
    await waitsForLock()
    await signature`update reports set state = 'FINAL' where id = ${reportId}`
    await signature`
      update work_items set state = 'completed', holder = null, lease_until = null, completed_by = holder where id = ${itemId}`
    await signature`update tenures set ended_at = now(), ended_by = 'completed' where item_id = ${itemId}`
  })
  expect(await late).toBe('report-final')
  expect(await department.sql`select 1 from report_drafts where report_id = ${reportId}`).toEqual([])
  expect(await department.sql`select content from stray_drafts where report_id = ${reportId}`).toEqual([
    { content: words('Too late.') },
  ])
  await department.sql`update reports set state = 'CANCELLED' where id = ${reportId}`
})

async function waitsForLock(): Promise<void> {
  const waiting = () => department.sql`
    select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await expect.poll(waiting, { timeout: 30_000 }).not.toEqual([])
}

test('[RW-07] a resident signs nothing and sends nothing back, and what was never handed on needs no grade', async () => {
  const one = await aCase('resident')
  await expect(one.sign('resident', 'agree')).rejects.toMatchObject(refused('forbidden'))
  await one.save('resident', 'Begun.')
  await one.giveBack('resident')
  await one.take('radiologist', 'read')
  await one.save('radiologist', 'Finished.')
  await one.sign('radiologist', null, 'Finished.')
  expect(await one.versions()).toMatchObject([
    { agreement: null, author: 'radiologist', signer: 'radiologist' },
  ])
})

const criticalsOf = ({ orderId }: Case) => department.sql<
  { level: number; cause: string; finding: string; by: string; foundAt: Date }[]
>`
  select c.level, c.cause, c.finding, u.user_name as by, c.found_at as "foundAt" from critical_results c
  join users u on u.id = c.found_by where c.order_id = ${orderId}`

/** What a relay does first: the message is on its way, and the ward may go by it. */
async function send({ orderId }: Case): Promise<void> {
  const [lane] = await department.sql<{ destinationId: string; patientId: string }[]>`
    select destination_id as "destinationId", patient_id as "patientId" from deliveries where order_id = ${orderId} limit 1`
  const head = await laneHead(department, lane!)
  await beginAttempt(department, await dutyAct(department), { deliveryId: head!.id, bytes: Buffer.from('x') })
}

test('[RW-07][CR-03] a major disagreement is a critical result once the final report is out, and none when it is recalled', async () => {
  const one = await aCase('resident')
  await one.preliminary('resident', 'No bleed.')
  await one.take('radiologist', 'over-read')
  const { version } = await one.sign('radiologist', 'major', 'A bleed.')
  expect(await criticalsOf(one)).toEqual([])
  await recallReport(department, await actAs(department, 'radiologist'), { ...one.reading, version })
  await one.take('radiologist', 'over-read')
  const { releaseAt } = await one.sign('radiologist', 'major', 'A small bleed.')
  const [signed] = await department.sql`
    select signed_at from report_versions where report_id = ${one.reading.reportId} order by version desc limit 1`
  const { orderId } = one
  await settleOrder(department, await dutyAct(department, { now: releaseAt }), { orderId })
  expect(await criticalsOf(one)).toEqual([
    {
      ...{ level: 2, cause: 'over-read', finding: 'A small bleed.', by: 'radiologist' },
      foundAt: signed!.signed_at,
    },
  ])
  expect(await one.openKinds()).toContain('critical')
})

test('[RW-07][CR-03] a wet read that was sent is told of when it changes, and one that still waits to be sent is not', async () => {
  const [sent, waiting, same] = [
    await aCase('radiologist', 'stat'),
    await aCase('radiologist', 'stat'),
    await aCase('radiologist', 'stat'),
  ]
  for (const one of [sent, waiting, same]) await one.wetRead('radiologist', 'No bleed.')
  for (const one of [sent, same]) await send(one)
  await sent.sign('radiologist', null, 'A bleed.')
  await waiting.sign('radiologist', null, 'A bleed.')
  await same.sign('radiologist', null, 'no bleed')
  expect(await criticalsOf(sent)).toMatchObject([{ level: 2, cause: 'over-read', finding: 'A bleed.' }])
  expect([...(await criticalsOf(waiting)), ...(await criticalsOf(same))]).toEqual([])
})

test('[RW-07] a resident who becomes a radiologist overnight leaves no first word that nobody over-reads', async () => {
  const [handedOn, submitted] = [await aCase('resident'), await aCase('resident')]
  await handedOn.preliminary('resident')
  await submitted.submit('resident')
  expect(await submitted.openKinds()).toEqual(['over-read'])
  await handedOn.take('radiologist', 'over-read')
  await handedOn.giveBack('radiologist')
  await department.sql`update users set roles = '{radiologist}' where user_name = 'resident'`
  try {
    expect(await handedOn.openKinds()).toEqual(['over-read'])
    await handedOn.take('radiologist2', 'over-read')
    expect(await handedOnWords(department.sql, handedOn.reading.reportId)).toMatchObject({ isGraded: true })
    await expect(handedOn.sign('radiologist2')).rejects.toMatchObject(refused('check-failed'))
    await handedOn.sign('radiologist2', 'agree')
    expect(await submitted.openKinds()).toEqual(['over-read'])
  } finally {
    await department.sql`update users set roles = '{resident}' where user_name = 'resident'`
  }
})

test('[CR-03] a changed first word goes out, and is told of, though the exam was ended after its signature', async () => {
  const one = await aCase('radiologist')
  await one.wetRead('radiologist', 'No bleed.')
  await send(one)
  await one.sign('radiologist', null, 'A bleed.')
  await department.sql`
    update procedures set end_kind = 'discontinued', ended_at = now(), end_reason = 'rejected' where order_id = ${one.orderId}`
  await department.sql.begin((sql) => recomputePhases(sql as TransactionSql, one.orderId))
  const later = new Date((await department.now()).getTime() + 10 * 60_000)
  await settleOrder(department, await dutyAct(department, { now: later }), { orderId: one.orderId })
  expect(await one.versions()).toMatchObject([{ kind: 'wet-read' }, { kind: 'final', released: true }])
  expect(await criticalsOf(one)).toMatchObject([{ cause: 'over-read', by: 'radiologist' }])
})

test('the department is sound after all of this', async () => {
  expect(await invariantViolations(department.sql)).toEqual([])
})
