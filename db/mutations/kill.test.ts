/** Every act that no order meets on its main way, killed before and after its commit, and done again by the next process. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, anEnvelope, anOrder, seededDepartment, storedImages } from '../order.fixture.ts'
import { configuration } from '../queries/configuration.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { deviceAct, dutyAct } from './act.ts'
import { openAmendment } from './amendments.ts'
import { createToken } from './api-tokens.ts'
import { callIn } from './call-ins.ts'
import { putInFolder } from './case-folders.ts'
import { claimCommitment, commitmentReported, decideCommitment, takeCommitment } from './commitments.ts'
import { beginAttempt, laneHead, recordAnswer } from './deliveries.ts'
import { escalateDue } from './escalations.ts'
import { submitReport } from './hand-on.ts'
import { addHandoverLine } from './handover.ts'
import { receiveOrderMessage } from './inbound-messages.ts'
import type { Refs } from './killed-act.fixture.ts'
import { createLaunch } from './launches.ts'
import { uuidUid } from './minting.ts'
import { moveImages } from './moved-images.ts'
import { park } from './parking.ts'
import { beginPerformedStep, changePerformedStep } from './performed-steps.ts'
import { keepProtocol } from './protocols.ts'
import { acceptQuality } from './quality.ts'
import { raiseCriticalResult } from './raise-critical.ts'
import { readTogether } from './read-together.ts'
import { rejectInstances } from './rejections.ts'
import { keepMacro } from './report-macros.ts'
import { importTemplate } from './report-templates.ts'
import { openReport, signReport } from './reports.ts'
import { assignRetention, sweepRetention } from './retention.ts'
import { askReturn } from './returns.ts'
import { saveView } from './saved-views.ts'
import { bookStep } from './scheduling.ts'
import { settleOrder } from './settle.ts'
import { setShift } from './shifts.ts'
import { arrive, endExam } from './steps.ts'
import { indexInstances } from './studies.ts'
import { recordVerified } from './verification.ts'
import { claim } from './work-items.ts'

/** Those of the main way: whole processes die there while orders go through them (the kill test of the whole department). */
const ON_THE_MAIN_WAY = [
  'receive-orders',
  'mpps-create',
  'mpps-set',
  'arrive',
  'claim',
  'accept-quality',
  'open-report',
  'save-draft',
  'sign-report',
  'settle-order',
  'begin-attempt',
  'record-answer',
  'assign-retention',
]

interface Case {
  /** Brings a department to where the act is possible, and answers what it is about. */
  prepare(department: Department): Promise<Partial<Refs>>
  /** All that the act adds, whichever process did it: events, audit records, rows, open work. */
  effect: string[]
  /** What the process says that does it once more after it was done. */
  again: string
  /** What doing it again leaves behind; left out: nothing at all in the whole database. */
  leaves?: string[]
  /** Puts right what would stay wrong for ever. */
  afterwards?(department: Department, refs: Partial<Refs>): Promise<void>
}

const CASES: Record<string, Case> = {
  'book-step': {
    prepare: async (department) => {
      const order = await ordered(department)
      return { user: 'scheduler', ...order, start: (await slot(department)).toISOString() }
    },
    effect: ['event step.scheduled +1'],
    again: 'done',
  },
  'unbook-step': {
    prepare: async (d) => by('scheduler', await booked(d)),
    effect: ['event step.unscheduled +1'],
    again: 'done',
  },
  're-room': {
    prepare: async (d) => by('lead', { ...(await arrived(d)), start: (await slot(d)).toISOString() }),
    effect: ['event step.scheduled +1'],
    again: 'done',
  },
  reassign: {
    prepare: async (d) => by('lead', await toGive(d)),
    effect: ['event work-item.reassigned +1'],
    again: 'done',
  },
  'pass-exam': {
    prepare: async (d) => {
      const order = await arrived(d)
      await settle(d, order.orderId)
      return { user: 'tech', ...order, userId: (await actAs(d, 'tech2')).actor.id }
    },
    effect: ['event work-item.reassigned +1'],
    again: 'done',
  },
  'call-in': {
    prepare: async (d) => by('lead', await toGive(d)),
    effect: ['call_ins +1', 'event work-item.called-in +1'],
    again: 'done',
  },
  'answer-call': {
    prepare: async (d) => by('radiologist', await called(d)),
    effect: ['event work-item.call-answered +1'],
    again: 'done',
  },
  'withdraw-call': {
    prepare: async (d) => by('lead', await called(d)),
    effect: ['event work-item.call-withdrawn +1'],
    again: 'done',
  },
  'add-handover-line': {
    prepare: async (d) => by('tech', await ordered(d)),
    effect: ['audit handover.added +1', 'handover_lines +1'],
    again: 'done',
  },
  'acknowledge-handover': {
    prepare: async (d) => by('tech2', { name: `line/${(await writtenDown(d)).lineId}` }),
    effect: ['audit handover.acknowledged +1', 'handover_acknowledgements +1'],
    again: 'done',
  },
  'settle-handover-line': {
    prepare: async (d) => by('tech2', await writtenDown(d)),
    effect: ['audit handover.settled +1'],
    again: 'done',
  },
  'keep-protocol': {
    prepare: async () => ({ user: 'lead', name: randomUUID() }),
    effect: ['audit protocol.kept +1', 'protocols +1'],
    again: 'done',
  },
  'retire-protocol': {
    prepare: async (d) => by('lead', await keptProtocol(d)),
    effect: ['audit protocol.retired +1', 'protocols +1'],
    again: 'done',
  },
  'set-default-protocol': {
    prepare: async (d) => by('lead', await keptProtocol(d)),
    effect: ['audit protocol.default-set +1', 'protocol_defaults +1'],
    again: 'done',
  },
  'choose-step-protocol': {
    prepare: async (d) => by('tech', { ...(await keptProtocol(d)), ...(await ordered(d)) }),
    effect: ['event step.protocol-chosen +1'],
    again: 'done',
  },
  'undo-arrive': {
    prepare: async (d) => by('tech', await arrived(d)),
    effect: ['event step.scheduled +1'],
    again: 'done',
  },
  'begin-step': {
    prepare: async (d) => by('tech', await arrived(d)),
    effect: [
      'event performed-step.begun +1',
      'event step.started +1',
      'performed_step_links +1',
      'performed_steps +1',
    ],
    again: 'done',
  },
  'end-exam': {
    prepare: async (d) => by('tech', await imaged(d)),
    effect: ['event performed-step.ended +1', 'event step.departed +1'],
    again: 'done',
  },
  'decide-stopped': {
    prepare: async (d) => by('tech', await stopped(d)),
    effect: ['event step.discontinued +1', 'steps +1'],
    again: 'illegal-transition',
  },
  'move-images': {
    prepare: async (d) => by('tech', await underAnother(d)),
    effect: [
      'audit images.moved +2',
      'deliveries +2',
      'event delivery.queued +2',
      'event performed-step.moved +2',
      'event step.departed +1',
      'event step.ready +1',
      'event step.started +1',
      'event study.linked +1',
      'event study.unlinked +1',
      'moved_images +1',
      'series +1',
      'studies +1',
      'studies_to_state +2',
      'study_links +1',
    ],
    again: 'done',
  },
  'undo-move': {
    prepare: async (d) => by('tech', await moved(d)),
    effect: [
      'audit images.moved-back +2',
      'deliveries +2',
      'event delivery.queued +2',
      'event performed-step.moved +2',
      'event step.departed +1',
      'event step.ready +1',
      'event step.started +1',
      'event study.linked +1',
      'event study.unlinked +1',
      'studies_to_state +2',
      'study_links +1',
    ],
    again: 'done',
  },
  'ask-return': {
    prepare: async (d) => held(d, 'radiologist', await readable(d), 'read'),
    effect: [
      'event return.asked +1',
      'event work-item.paused +1',
      'event work-item.released +1',
      'pauses +1',
      'returns +1',
      'steps +1',
    ],
    again: 'done',
  },
  'answer-return': {
    prepare: async (d) => by('tech', await askedForRetake(d)),
    effect: ['event return.answered +1', 'event step.cancelled +1'],
    again: 'done',
  },
  'cancel-order': {
    prepare: async (d) => by('scheduler', await booked(d)),
    effect: [
      'event order.cancel-requested +1',
      'event order.ended +1',
      'event procedure.ended +1',
      'event step.cancelled +1',
      'event work-item.cancelled +1',
      'open schedule -1',
    ],
    again: 'done',
  },
  'reject-quality': {
    prepare: async (d) => held(d, 'tech', await atTheGate(d), 'quality'),
    effect: [
      'audit study.rejected +1',
      'event quality.rejected +1',
      'event work-item.completed +1',
      'open quality -1',
      'quality_decisions +1',
      'rejections +1',
      'steps +1',
      'studies_to_state +1',
    ],
    again: 'done',
  },
  'accept-incomplete': {
    prepare: async (d) => held(d, 'tech', await incomplete(d), 'complete'),
    effect: ['event completeness.decided +1', 'event work-item.completed +1', 'open complete -1'],
    again: 'stale-fence',
  },
  'reject-instances': {
    prepare: async (d) => by('tech', await atTheGate(d)),
    effect: ['audit study.rejected +1', 'event study.rejected +1', 'rejections +1', 'studies_to_state +1'],
    again: 'not-found',
  },
  'revoke-rejection': {
    prepare: async (department) => {
      const { studyUid } = await atTheGate(department)
      const asked = { studyUid, code: '113001', reason: 'blurred' } as const
      const { rejectionId } = await rejectInstances(department, await actAs(department, 'tech'), asked)
      return { user: 'lead', rejectionId }
    },
    effect: ['audit study.revoked +1', 'event study.revoked +1', 'studies_to_state +1'],
    again: 'done',
  },
  release: { prepare: reading, effect: ['event work-item.released +1'], again: 'done' },
  skip: {
    prepare: reading,
    effect: ['event work-item.released +1', 'skips +1'],
    again: 'done',
    // Kept off this person's list from the later of the two.
    leaves: ['skips ~'],
  },
  park: {
    prepare: reading,
    effect: ['event work-item.parked +1', 'parked_cases +1'],
    again: 'done',
    // Pressed once more, the half hour begins once more.
    leaves: ['parked_cases ~', 'work_items ~'],
  },
  'bring-back': {
    prepare: async (department) => {
      const order = await reading(department)
      const place = { cursor: null, layout: null }
      await park(department, await actAs(department, 'radiologist'), { ...order, place })
      return order
    },
    effect: [],
    again: 'done',
    leaves: ['parked_cases ~', 'work_items ~'],
  },
  'keep-macro': {
    prepare: async () => ({ user: 'radiologist', name: randomUUID() }),
    effect: ['report_macros +1'],
    again: 'done',
    leaves: ['report_macros ~'],
  },
  'drop-macro': {
    prepare: async (department) => {
      const reader = await actAs(department, 'radiologist')
      const macro = { name: randomUUID(), text: 'No effusion.', shared: false }
      return { user: 'radiologist', ...(await keepMacro(department, reader, macro)) }
    },
    effect: [],
    again: 'not-found',
  },
  'import-template': {
    prepare: async () => ({ user: 'admin', name: randomUUID() }),
    effect: ['audit template.imported +1', 'report_templates +1'],
    again: 'done',
  },
  'give-template': {
    prepare: async (department) => {
      const name = randomUUID()
      const said = { title: 'CT head', language: 'en', publisher: '', rights: '', sections: [] }
      await importTemplate(department, await actAs(department, 'admin'), {
        ...{ template: { identifier: name, ...said }, source: name, reauthenticated: true },
      })
      const [row] = await department.sql`select code, scheme from catalogue order by code limit 1`
      return { user: 'admin', name, code: row!.code as string, scheme: row!.scheme as string }
    },
    effect: ['audit template.given +1', 'procedure_templates +1'],
    again: 'done',
  },
  'take-over': {
    prepare: async (d) => ({ ...(await reading(d)), user: 'radiologist2' }),
    effect: ['event work-item.taken-over +1', 'tenures +1'],
    again: 'stale-fence',
  },
  'expire-lease': {
    // Half an hour ago, when no lease of another case can have been over.
    prepare: async (d) => ({
      ...(await held(d, 'radiologist', await readable(d), 'read', minutesAgo(60))),
      machineNow: minutesAgo(30).toISOString(),
    }),
    effect: ['event work-item.expired +1'],
    again: 'done',
  },
  escalate: {
    prepare: async (department) => ({ ...(await readable(department)), now: await inDays(department, 3) }),
    effect: ['escalations +4', 'event escalation.fired +4', 'notices +5'],
    again: 'done',
  },
  'see-notices': {
    prepare: async (d) => by('lead', await escalated(d)),
    effect: [],
    again: 'done',
  },
  'close-order': {
    prepare: async (department) => {
      const order = await delivered(department)
      const { closesAt } = await settle(department, order.orderId)
      return { ...order, now: closesAt!.toISOString() }
    },
    effect: ['event order.closed +1'],
    again: 'done',
  },
  'read-together': {
    prepare: besideAnother,
    effect: ['audit report.joined +1', 'event work-item.claimed +1', 'report_procedures +1', 'tenures +1'],
    again: 'done',
  },
  'read-apart': {
    prepare: async (d) => {
      const beside = await besideAnother(d)
      await readTogether(d, await actAs(d, 'radiologist'), beside)
      return beside
    },
    effect: ['audit report.parted +1', 'event work-item.released +1', 'report_procedures -1'],
    again: 'done',
  },
  'issue-preliminary': {
    prepare: reading,
    effect: [
      'deliveries +1',
      'event delivery.queued +1',
      'event report.preliminary +1',
      'event report.released +1',
      'report_objects +2',
      'report_versions +1',
    ],
    again: 'done',
  },
  'issue-wet-read': {
    prepare: reading,
    effect: [
      'deliveries +1',
      'event delivery.queued +1',
      'event report.released +1',
      'event report.wet-read +1',
      'report_objects +2',
      'report_versions +1',
    ],
    again: 'done',
  },
  'submit-report': {
    prepare: reading,
    effect: [
      'event report.submitted +1',
      'event work-item.completed +1',
      'open read -1',
      'report_drafts +1',
      'report_submissions +1',
    ],
    again: 'done',
  },
  'send-back-report': {
    prepare: submitted,
    effect: [
      'audit report.sent-back +1',
      'event report.sent-back +1',
      'event work-item.completed +1',
      'open sign -1',
    ],
    again: 'done',
  },
  'recall-report': {
    prepare: async (d) => signed(d, 'routine'),
    effect: [
      'event report.recalled +1',
      'event work-item.claimed +1',
      'event work-item.opened +1',
      'open read +1',
      'report_drafts +1',
      'tenures +1',
    ],
    again: 'recall-expired',
  },
  'open-amendment': {
    prepare: async (d) => signed(d),
    effect: ['audit report.amendment-opened +1', 'event report.saved +1', 'report_drafts +1'],
    again: 'done',
  },
  'drop-amendment': {
    prepare: async (d) => amended(d),
    effect: [
      'audit report.amendment-dropped +1',
      'event report.saved +1',
      'report_drafts -1',
      'stray_drafts +1',
    ],
    again: 'done',
  },
  'sign-amendment': {
    prepare: async (d) => amended(d),
    effect: [
      'audit report.addended +1',
      'deliveries +1',
      'event delivery.queued +1',
      'event report.addended +1',
      'event report.released +1',
      'report_drafts -1',
      'report_objects +2',
      'report_versions +1',
    ],
    again: 'stale-fence',
  },
  'retract-report': {
    prepare: async (d) => signed(d),
    effect: [
      'audit report.retracted +1',
      'deliveries +1',
      'event delivery.queued +1',
      'event report.released +1',
      'event report.retracted +1',
      'report_objects +2',
      'report_versions +1',
    ],
    again: 'illegal-transition',
  },
  'see-late-images': {
    prepare: async (d) => withLateImages(d),
    effect: ['audit report.late-images-seen +1', 'event images.late-seen +1'],
    again: 'done',
  },
  'raise-critical': {
    prepare: async (d) => ({ ...(await reading(d)), now: (await d.now()).toISOString() }),
    effect: [
      'audit critical.raised +1',
      'critical_results +1',
      'critical_steps +1',
      'event critical.escalated +1',
      'event critical.raised +1',
    ],
    again: 'done',
  },
  'attempt-critical': {
    prepare: critical,
    effect: [
      'audit critical.attempted +1',
      'critical_attempts +1',
      'event critical.attempted +1',
      'idempotency_keys +1',
    ],
    again: 'done',
  },
  'communicate-critical': {
    prepare: critical,
    effect: [
      'audit critical.communicated +1',
      'audit report.addended +1',
      'deliveries +1',
      'event critical.communicated +1',
      'event delivery.queued +1',
      'event report.addended +1',
      'event report.released +1',
      'report_objects +2',
      'report_versions +1',
    ],
    again: 'done',
    // Told again, it is kept as an attempt.
    leaves: ['critical_attempts +1'],
  },
  'change-critical-level': {
    prepare: critical,
    effect: ['audit critical.level-changed +1', 'event critical.level-changed +1'],
    again: 'done',
  },
  'withdraw-critical': {
    prepare: critical,
    effect: ['audit critical.withdrawn +1', 'event critical.withdrawn +1'],
    again: 'illegal-transition',
  },
  'replay-delivery': { prepare: parked, effect: ['event delivery.mended +1'], again: 'done' },
  'close-exception': {
    prepare: parked,
    effect: ['event exception.closed +1', 'event work-item.completed +1', 'open mend -1'],
    again: 'done',
  },
  'settle-duplicate': {
    prepare: async (department) => {
      const images = storedImages(uuidUid(), 1)
      const other = { ...images[0]!, blob: randomUUID(), sha256: randomUUID() }
      for (const batch of [images, [other]])
        await indexInstances(department, await deviceAct(department, 'CT1'), batch)
      const [row] = await department.sql`
        select exception_id as "exceptionId" from quarantine where blob = ${other.blob}`
      return by('admin', row as { exceptionId: string })
    },
    effect: ['audit instance.duplicate-settled +1', 'open mend -1', 'quarantine +1', 'studies_to_state +1'],
    again: 'done',
  },
  'take-commitment': {
    prepare: async () => ({ images: storedImages(uuidUid(), 2), transactionUid: uuidUid() }),
    effect: ['audit commitment.requested +1', 'commitments +1'],
    again: 'done',
    // The scanner did ask twice, and its one report is owed again.
    leaves: ['audit commitment.requested +1', 'audit_chains ~', 'commitments ~'],
    afterwards: heard,
  },
  'decide-commitment': { prepare: owed, effect: ['named_instances +2'], again: 'done', afterwards: heard },
  'report-commitment': { prepare: decided, effect: ['audit commitment.reported +1'], again: 'done' },
  'commitment-not-reported': {
    prepare: decided,
    effect: ['exceptions +1', 'open mend +1'],
    again: 'done',
    afterwards: heard,
  },
  'create-token': {
    prepare: async () => by('admin', { name: randomUUID() }),
    effect: ['api_tokens +1', 'audit token.created +1'],
    again: 'invalid-message',
  },
  'revoke-token': {
    prepare: async (department) => {
      const { id } = await createToken(department, await actAs(department, 'admin'), {
        name: randomUUID(),
        role: 'integration',
        sites: ['MAIN'],
        reauthenticated: true,
      })
      return by('admin', { tokenId: id })
    },
    effect: ['audit token.revoked +1'],
    again: 'done',
  },
  'apply-configuration': {
    prepare: async ({ sql }) => {
      const { rooms } = await configuration(sql)
      return by('admin', { change: { rooms: [{ ...rooms[0]!, name: 'Renamed' }] } })
    },
    effect: ['audit configuration.applied +1', 'config_versions +2'],
    again: 'done',
  },
  'create-launch': {
    prepare: async (d) => by('radiologist', { ...(await readable(d)), sessionId: randomUUID() }),
    effect: ['audit images.launched +1', 'launches +1'],
    again: 'done',
  },
  'sweep-retention': {
    prepare: async (department) => {
      const now = await inDays(department, 4_000)
      // What other orders of this department have due is proposed already.
      await sweepRetention(department, await dutyAct(department, { now: new Date(now) }))
      await delivered(department)
      return { now }
    },
    effect: ['retention_proposals +1'],
    again: 'done',
  },
  'record-verified': {
    prepare: async (department) => {
      const { studyUid } = await atTheGate(department)
      const [row] = await department.sql`
        select i.id as "instanceId" from instances i join studies s on s.id = i.study_id
        where s.study_uid = ${studyUid} limit 1`
      return row as { instanceId: string }
    },
    effect: ['audit instance.damaged +1', 'exceptions +1', 'open mend +1'],
    again: 'done',
    // Sound again: the invariants count a damaged object as a wrong that stands.
    afterwards: async (department, { instanceId }) => {
      const [row] = await department.sql`select blob from instances where id = ${instanceId!}`
      await recordVerified(department, await dutyAct(department), [
        { instanceId: instanceId!, blob: row!.blob, found: 'sound' },
      ])
    },
  },
  'refuse-message': {
    prepare: async () => ({ controlId: randomUUID().slice(0, 20) }),
    effect: ['exceptions +1', 'inbound_messages +1', 'open mend +1'],
    again: 'unknown-order',
    // Each time it came is kept, and the one exception counts them.
    leaves: ['exceptions ~', 'inbound_messages +1'],
  },
  'index-instances': {
    prepare: async (d) => ({ images: storedImages((await arrived(d)).studyUid, 2) }),
    effect: [
      'event images.arrived +1',
      'event performed-step.begun +1',
      'event step.started +1',
      'event study.linked +1',
      'instances +2',
      'performed_step_links +1',
      'performed_steps +1',
      'series +1',
      'studies +1',
      'studies_to_state +1',
      'study_links +1',
    ],
    again: 'done',
    // When its last image came: they came once more.
    leaves: ['studies ~'],
  },
  'listener-exception': {
    prepare: async () => ({ name: randomUUID() }),
    effect: ['exceptions +1', 'inbound_messages +1', 'open mend +1'],
    again: 'done',
    // Cut off once more is another time that it was cut off.
    leaves: ['exceptions ~', 'inbound_messages +1'],
  },
  'note-mark': {
    prepare: async (department) => {
      const reader = await by('radiologist', await readable(department))
      const session = { sessionId: randomUUID(), purpose: 'read' as const }
      const act = await actAs(department, 'radiologist')
      const launch = await createLaunch(department, act, { ...session, orderId: reader.orderId })
      const sopInstanceUid = `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`
      return { ...reader, launchId: launch.id, studyUid: launch.studies[0]!, sopInstanceUid }
    },
    effect: ['audit images.marked +1', 'image_marks +1'],
    again: 'done',
  },
  'note-similar-seen': {
    prepare: async (department) => {
      const [one, other] = [await ordered(department), await ordered(department)]
      const [row] = await department.sql`
        select patient_id as "patientId" from orders where id = ${other.orderId}`
      return by('tech', { ...one, patientId: row!.patientId as string })
    },
    effect: ['audit similar-name.seen +1', 'similar_names_seen +1'],
    again: 'done',
  },
  'save-view': {
    prepare: async () => by('radiologist', { name: randomUUID() }),
    effect: ['audit view.saved +1', 'saved_views +1'],
    again: 'done',
  },
  'change-view': {
    prepare: savedView,
    effect: ['audit view.changed +1'],
    again: 'done',
  },
  'retire-view': {
    prepare: savedView,
    effect: ['audit view.retired +1'],
    again: 'not-found',
  },
  'put-in-folder': {
    prepare: async (department) => by('radiologist', await ordered(department)),
    effect: ['audit folder.put-in +1', 'case_folders +1', 'foldered_cases +1'],
    again: 'done',
  },
  'take-out-of-folder': {
    prepare: foldered,
    effect: ['audit folder.taken-out +1', 'foldered_cases -1'],
    again: 'done',
  },
  'retire-folder': {
    prepare: foldered,
    effect: ['audit folder.retired +1'],
    again: 'done',
  },
  'set-shift': {
    prepare: async (department) => {
      const { actor, now } = await actAs(department, 'radiologist')
      return by('lead', { userId: actor.id, start: now.toISOString() })
    },
    effect: ['audit shift.set +1', 'shifts +1'],
    again: 'done',
  },
  'drop-shift': {
    prepare: async (department) => {
      const act = await actAs(department, 'lead')
      const reader = await actAs(department, 'radiologist')
      const to = new Date(act.now.getTime() + 3_600_000)
      const shift = { siteId: 'MAIN', area: 'neuro', userId: reader.actor.id, from: act.now, to }
      return by('lead', await setShift(department, act, shift))
    },
    effect: ['audit shift.dropped +1'],
    again: 'done',
  },
  'note-refusal': {
    prepare: async () => ({ name: randomUUID().slice(0, 16) }),
    effect: ['audit association.refused +1', 'exceptions +1', 'open mend +1'],
    again: 'done',
    // Turned away twice, and one exception that counts both.
    leaves: ['audit association.refused +1', 'audit_chains ~', 'exceptions ~'],
  },
  'set-aside': {
    prepare: async () => ({ name: randomUUID() }),
    effect: ['exceptions +1', 'open mend +1', 'quarantine +1'],
    again: 'done',
  },
  'receive-hanging-protocol': {
    prepare: async () => ({ name: randomUUID() }),
    effect: ['audit hanging-protocol.received +1', 'quarantine +1'],
    again: 'done',
  },
}

async function savedView(department: Department): Promise<Partial<Refs>> {
  const view = { list: 'reading', name: randomUUID(), filter: '', shared: false } as const
  return by('radiologist', await saveView(department, await actAs(department, 'radiologist'), view))
}

async function foldered(department: Department): Promise<Partial<Refs>> {
  const { orderId } = await ordered(department)
  const kept = { orderId, name: `Teaching ${orderId}` }
  return by('radiologist', {
    orderId,
    ...(await putInFolder(department, await actAs(department, 'radiologist'), kept)),
  })
}

/** Departments that stand side by side; an act has one for itself, so that all of it can be compared. */
const SIDE_BY_SIDE = 3

interface Place {
  department: Department
  databaseUrl: string
}

let home: string
let program: string
const free: Place[] = []
const waiting: ((place: Place) => void)[] = []
const all: Place[] = []

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'isocenter-killed-'))
  await Promise.all(
    Array.from({ length: SIDE_BY_SIDE }, async () => {
      const databaseUrl = await testDatabase()
      const place = { databaseUrl, department: await seededDepartment(databaseUrl) }
      all.push(place)
      free.push(place)
    }),
  )
  // Some two hundred processes start: they load one file instead of each module, its types stripped once for all.
  program = join(home, 'killed-act.mjs')
  await build({
    ...{ entryPoints: [SOURCE], outfile: program, bundle: true, platform: 'node', format: 'esm' },
    // For those of its packages that are not modules.
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`,
    },
  })
  // One that ends by itself leaves the program compiled for those that die.
  const { databaseUrl } = all[0]!
  await inAProcess({ databaseUrl, name: 'sweep-retention', refs: {}, dyingAt: null })
})

afterAll(async () => {
  for (const { department } of all) await department.close()
  rmSync(home, { recursive: true, force: true })
})

test('every write of the department is killed somewhere', () => {
  expect([...Object.keys(CASES), ...ON_THE_MAIN_WAY].sort()).toEqual(mutationsOfTheSource())
})

const TITLE =
  '[SE-04] %s killed before its commit has not happened, killed after it has, and the next process does it no second time'

describe.concurrent('a process dies and the next one does its act again', () => {
  test.for(Object.entries(CASES))(TITLE, { timeout: 240_000 }, async ([name, one]) => {
    const place = free.pop() ?? (await new Promise<Place>((resolve) => waiting.push(resolve)))
    try {
      await killAndDoAgain(place, name, one)
    } finally {
      const next = waiting.shift()
      if (next) next(place)
      else free.push(place)
    }
  })
})

async function killAndDoAgain({ department, databaseUrl }: Place, name: string, one: Case): Promise<void> {
  const { sql } = department
  const refs = await one.prepare(department)
  const perform = (dyingAt: string | null) => inAProcess({ databaseUrl, name, refs, dyingAt })

  const before = await ledger(department)
  expect(await perform(`${name}:before-commit`)).toBe('SIGKILL')
  expect(changed(before, await ledger(department))).toEqual([])

  expect(await perform(`${name}:after-commit`)).toBe('SIGKILL')
  const done = await ledger(department)
  const changes = changed(before, done)
  expect(changes).not.toEqual([])
  expect(changes.filter((change) => !change.endsWith(' ~'))).toEqual(one.effect)

  expect(await perform(null)).toBe(one.again)
  expect(changed(done, await ledger(department))).toEqual(one.leaves ?? [])
  await one.afterwards?.(department, refs)
  expect(await invariantViolations(sql)).toEqual([])
}

interface Asked {
  databaseUrl: string
  name: string
  refs: Partial<Refs>
  dyingAt: string | null
}

const SOURCE = fileURLToPath(new URL('killed-act.fixture.ts', import.meta.url))

/** Performs the act in a new process; answers what it said, or the signal that it died of where it was to die. */
async function inAProcess({ databaseUrl, name, refs, dyingAt }: Asked): Promise<string> {
  const file = join(home, randomUUID())
  if (dyingAt) writeFileSync(`${file}.${dyingAt}`, '')
  const child = spawn(process.execPath, [program, databaseUrl, file, name, JSON.stringify(refs)], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: join(home, 'compiled') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (data) => {
    said += data
  })
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...how) => resolve(how))
  })
  if (dyingAt && existsSync(`${file}.${dyingAt}`)) return `it never came to ${dyingAt}: ${said}`
  return signal ?? (code === 0 ? said : `it ended with ${code}`)
}

type Ledger = Map<string, { n: number; hash: string }>

/** All that stands in the database: rows and their content by table; events, audit records and open work by type. */
async function ledger({ sql }: Department): Promise<Ledger> {
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('heartbeats', 'migrations')`
  const whole = tables.map(
    ({ name }) => `select '${name}' as key, count(*)::int as n,
      coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as hash from ${name} t`,
  )
  const byType = [
    `select 'event ' || type, count(*)::int, '' from order_events group by type`,
    `select 'audit ' || type, count(*)::int, '' from audit_events group by type`,
    `select 'open ' || kind, count(*)::int, '' from work_items where state in ('open', 'claimed') group by kind`,
  ]
  const rows = await sql.unsafe([...whole, ...byType].join(' union all '))
  return new Map(rows.map(({ key, n, hash }) => [key as string, { n: n as number, hash: hash as string }]))
}

// Their rows are named by type, and what else they hold follows from those.
const NAMED_BY_TYPE = ['order_events', 'audit_events', 'audit_chains', 'work_items']

/** `event step.started +1` for what was added, `steps ~` for rows of a table that are others than they were. */
function changed(before: Ledger, after: Ledger): string[] {
  const changes = [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)]
    const more = (is?.n ?? 0) - (was?.n ?? 0)
    if (more !== 0 && !NAMED_BY_TYPE.includes(key)) return [`${key} ${more > 0 ? '+' : ''}${more}`]
    return was?.hash === is?.hash || more !== 0 ? [] : [`${key} ~`]
  })
  return changes.sort()
}

/** The names in `mutate(…, 'name', …)` of everything that writes, read from the source. */
function mutationsOfTheSource(): string[] {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const names = ['db', 'archive', 'app', 'interop', 'workers', 'bin'].flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && !/\.(test|fixture)\.tsx?$/.test(path))
      .flatMap((path) => namesIn(readFileSync(join(root, part, path), 'utf8'))),
  )
  return [...new Set(names)].sort()
}

function namesIn(source: string): string[] {
  const calls = source.split(/(?<!function )\bmutate\(/).slice(1)
  return calls.map(
    (call) => /'([a-z-]+)',\s*(?:async )?\(/.exec(call)?.[1] ?? `unnamed: ${call.slice(0, 60)}`,
  )
}

interface Ordered {
  orderId: string
  stepId: string
  studyUid: string
  stepNumber: string
  accession: string
}

async function ordered(department: Department, level: 'stat' | 'routine' = 'stat'): Promise<Ordered> {
  const { sql } = department
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [
    anOrder({ priority: { level, word: level === 'stat' ? 'S' : 'R' } }),
  ])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settle(department, orderId)
  const [row] = await sql<Ordered[]>`
    select o.id as "orderId", s.id as "stepId", p.study_uid as "studyUid", s.step_number as "stepNumber", o.accession
    from orders o join procedures p on p.order_id = o.id join steps s on s.procedure_id = p.id where o.id = ${orderId}`
  return row!
}

async function settle(department: Department, orderId: string, now?: Date) {
  return settleOrder(department, await dutyAct(department, now ? { now } : {}), { orderId })
}

/** Made under one patient's entry, of another who is here. */
async function underAnother(department: Department) {
  const { performedStepId } = await scanned(department, { status: 'COMPLETED', named: 2 })
  return { performedStepId, toStepId: (await arrived(department)).stepId }
}

async function moved(department: Department) {
  const exam = await underAnother(department)
  return moveImages(department, await actAs(department, 'tech'), { ...exam, reason: 'wrong-patient' })
}

async function askedForRetake(department: Department) {
  const { itemId, fence } = await held(department, 'radiologist', await readable(department), 'read')
  const asked = { itemId, fence, kind: 'retake', reason: 'motion', instances: [] } as const
  return askReturn(department, await actAs(department, 'radiologist'), asked)
}

const by = <T>(user: string, refs: T) => ({ user, ...refs })

async function inDays(department: Department, days: number): Promise<string> {
  return new Date((await department.now()).getTime() + days * 86_400_000).toISOString()
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000)

let slots = 0
/** Every one its own hour, since a room has one patient at a time. */
async function slot(department: Department): Promise<Date> {
  slots += 1
  return new Date((await department.now()).getTime() + slots * 3_600_000)
}

async function booked(department: Department): Promise<Ordered> {
  const order = await ordered(department)
  await bookStep(department, await actAs(department, 'scheduler'), {
    stepId: order.stepId,
    roomId: 'ct-1',
    start: await slot(department),
  })
  return order
}

async function arrived(department: Department): Promise<Ordered> {
  const order = await booked(department)
  await arrive(department, await actAs(department, 'tech'), order)
  return order
}

/** Its images have come and nobody has said that no more will. */
async function imaged(department: Department, level?: 'stat' | 'routine') {
  const order = await ordered(department, level)
  const images = storedImages(order.studyUid, 2, { sourceAe: 'US1' })
  await indexInstances(department, await deviceAct(department, 'US1'), images)
  return { ...order, sopInstanceUid: images[0]!.sopInstanceUid }
}

/** At the scanner by MPPS, ended as asked, naming so many images of which two were stored. */
async function scanned(
  department: Department,
  { status, named }: { status: 'COMPLETED' | 'DISCONTINUED'; named: number },
): Promise<Ordered & { performedStepId: string }> {
  const { sql } = department
  const order = await arrived(department)
  const device = await deviceAct(department, 'CT1')
  const sopInstanceUid = uuidUid()
  await beginPerformedStep(department, device, {
    sopInstanceUid,
    stationAe: 'CT1',
    studyUid: order.studyUid,
    scheduled: [order],
    startedAt: await department.now(),
    dataset: {},
  })
  const images = storedImages(order.studyUid, named)
  await indexInstances(department, device, images.slice(0, 2))
  await changePerformedStep(department, device, {
    sopInstanceUid,
    status,
    series: [{ seriesUid: images[0]!.seriesUid, instances: images.map((image) => image.sopInstanceUid) }],
    dataset: {},
  })
  const [row] = await sql`select id from performed_steps where sop_instance_uid = ${sopInstanceUid}`
  return { ...order, performedStepId: row!.id }
}

const stopped = (department: Department) => scanned(department, { status: 'DISCONTINUED', named: 2 })

/** One image less than the scanner named, and it was waited for long enough. */
async function incomplete(department: Department): Promise<Ordered> {
  const order = await scanned(department, { status: 'COMPLETED', named: 3 })
  await settle(department, order.orderId, new Date(await inDays(department, 1)))
  return order
}

async function atTheGate(department: Department, level?: 'stat' | 'routine') {
  const order = await imaged(department, level)
  await endExam(department, await actAs(department, 'tech'), order)
  await settle(department, order.orderId)
  return order
}

/** The order with its open item of that kind in somebody's hands. */
async function held<T extends { orderId: string }>(
  department: Department,
  user: string,
  order: T,
  kind: string,
  machineNow = new Date(),
) {
  const [item] = await department.sql<{ id: string }[]>`
    select id from work_items where order_id = ${order.orderId} and kind = ${kind} and state = 'open'`
  if (!item) throw new Error(`no open ${kind}`)
  const act = { ...(await actAs(department, user)), machineNow }
  const { itemId, fence } = await claim(department, act, { itemId: item.id })
  return { ...order, user, itemId, fence }
}

async function readable(department: Department, level?: 'stat' | 'routine') {
  const order = await held(department, 'tech', await atTheGate(department, level), 'quality')
  await acceptQuality(department, await actAs(department, 'tech'), order)
  await settle(department, order.orderId)
  return order
}

/** A case of which everybody has heard. */
async function escalated(department: Department) {
  const order = await toGive(department)
  const now = new Date(await inDays(department, 3))
  await escalateDue(department, await dutyAct(department, { now }), order)
  return order
}

/** A case that nobody has, and a reader who may take it. */
async function toGive(department: Department) {
  const { user: _, ...order } = await readable(department)
  const [item] = await department.sql<{ id: string }[]>`
    select id from work_items where order_id = ${order.orderId} and kind = 'read'`
  const { actor } = await actAs(department, 'radiologist')
  return { ...order, itemId: item!.id, userId: actor.id }
}

async function called(department: Department) {
  const given = await toGive(department)
  const lead = await actAs(department, 'lead')
  return { ...given, ...(await callIn(department, lead, { ...given, reason: 'late' })) }
}

async function writtenDown(department: Department) {
  const words = randomUUID()
  const line = { siteId: 'MAIN', kind: 'broken', waitingFor: null, accession: null, roomId: null } as const
  return addHandoverLine(department, await actAs(department, 'tech'), { ...line, words })
}

async function keptProtocol(department: Department) {
  const text = { scheme: 'LN', code: '30799-1', protocolCode: 'X', parameters: [], aliases: [] }
  const lead = await actAs(department, 'lead')
  const { id } = await keepProtocol(department, lead, { ...text, id: null, name: randomUUID() })
  return { protocolId: id }
}

async function reading(department: Department, level?: 'stat' | 'routine') {
  const order = await held(department, 'radiologist', await readable(department, level), 'read')
  const { reportId } = await openReport(department, await actAs(department, 'radiologist'), order)
  return { ...order, reportId }
}

/** A case in a reader's hands, and another exam of the same patient that waits. */
async function besideAnother(department: Department) {
  const own = await reading(department)
  const other = await toGive(department)
  await department.sql`
    update orders set patient_id = (select patient_id from orders where id = ${own.orderId}) where id = ${other.orderId}`
  return { ...own, otherItemId: other.itemId }
}

async function signed(department: Department, level?: 'stat' | 'routine') {
  const order = await reading(department, level)
  const { version } = await signReport(department, await actAs(department, 'radiologist'), {
    ...order,
    content: {
      sections: [
        { key: 'findings', text: 'No bleed.' },
        { key: 'impression', text: 'Normal.' },
      ],
    },
    reauthenticated: true,
  })
  return { ...order, version }
}

/** A radiologist's report that waits for a colleague's signature, in the colleague's hands. */
async function submitted(department: Department) {
  const order = await reading(department)
  const content = { sections: [{ key: 'impression', text: 'Normal.' }] }
  await submitReport(department, await actAs(department, 'radiologist'), { ...order, content })
  await settle(department, order.orderId)
  return held(department, 'radiologist2', order, 'sign')
}

async function amended(department: Department) {
  const order = await signed(department)
  const { reportId } = order
  const reader = await actAs(department, 'radiologist')
  return { ...order, ...(await openAmendment(department, reader, { reportId, kind: 'addendum' })) }
}

/** Of a report that is out; images came after it. */
async function withLateImages(department: Department) {
  const order = await signed(department)
  const [procedure] = await department.sql<{ uid: string }[]>`
    select study_uid as uid from procedures where order_id = ${order.orderId}`
  const [image] = storedImages(procedure!.uid, 1, { sourceAe: 'US1' })
  await indexInstances(department, await deviceAct(department, 'US1'), [image!])
  return order
}

/** Of a report that is out. */
async function critical(department: Department) {
  const order = await signed(department)
  const finder = await actAs(department, 'radiologist')
  const found = { reportId: order.reportId, finding: 'A bleed.', level: 1 } as const
  return { ...order, ...(await raiseCriticalResult(department, finder, found)) }
}

async function sent(department: Department, answer: 'acknowledged' | 'rejected') {
  const order = await signed(department)
  const { lanes } = await settle(department, order.orderId)
  const { id: deliveryId } = (await laneHead(department, lanes[0]!))!
  await beginAttempt(department, await dutyAct(department), { deliveryId, bytes: Buffer.from('x') })
  await recordAnswer(department, await dutyAct(department), { deliveryId, answer })
  return { ...order, deliveryId }
}

async function delivered(department: Department) {
  const order = await sent(department, 'acknowledged')
  await assignRetention(department, await dutyAct(department), order)
  return order
}

async function parked(department: Department) {
  const { deliveryId } = await sent(department, 'rejected')
  const [row] = await department.sql`select id from exceptions where key = ${`delivery:${deliveryId}`}`
  return { user: 'admin', deliveryId, exceptionId: row!.id as string }
}

/** A storage commitment that was asked for and is now this process's to answer. */
async function owed(department: Department) {
  const images = storedImages(uuidUid(), 2)
  const device = await deviceAct(department, 'CT1')
  await indexInstances(department, device, images)
  const transactionUid = uuidUid()
  await takeCommitment(department, device, {
    aeTitle: 'CT1',
    transactionUid,
    instances: images,
    patienceUntil: device.machineNow,
  })
  const machineNow = new Date(Date.now() + 60_000)
  await claimCommitment(department, machineNow, { leaseMs: 0, answered: [] })
  return { images, transactionUid, machineNow: machineNow.toISOString() }
}

/** The same, with what was found written down. */
async function decided(department: Department) {
  const commitment = await owed(department)
  const { images, transactionUid } = commitment
  const [row] = await department.sql`select id from commitments where transaction_uid = ${transactionUid}`
  await decideCommitment(department, await deviceAct(department, 'CT1'), {
    id: row!.id,
    failures: {},
    studies: new Map(images.map((image) => [image.sopInstanceUid, image.studyUid])),
  })
  return commitment
}

/** The modality hears it in the end, so that the next case finds nothing owed. */
async function heard(department: Department, { transactionUid }: Partial<Refs>): Promise<void> {
  const [row] = await department.sql`select id from commitments where transaction_uid = ${transactionUid!}`
  const device = await deviceAct(department, 'CT1')
  await commitmentReported(department, device, { id: row!.id, aeTitle: 'CT1', onSameAssociation: false })
}
