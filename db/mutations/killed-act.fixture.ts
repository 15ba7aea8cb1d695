/** One act in a process of its own, which dies at an armed place or says on its standard output what the act came to. */
import { pino } from 'pino'
import { refusalCode } from '#domain/errors.ts'
import type { RejectionCode } from '#domain/study-visibility.ts'
import { type Department, openDepartment } from '../department.ts'
import { armFailpoints } from '../failpoint.ts'
import { actAs, anEnvelope, anOrder } from '../order.fixture.ts'
import { openLaunch } from '../queries/reading-room.ts'
import { dueForVerification } from '../queries/verification.ts'
import { deviceAct, dutyAct } from './act.ts'
import { dropAmendment, openAmendment, signAmendment } from './amendments.ts'
import { createToken, revokeToken } from './api-tokens.ts'
import { reassign } from './assignments.ts'
import { answerCall, callIn, withdrawCall } from './call-ins.ts'
import { putInFolder, retireFolder, takeOutOfFolder } from './case-folders.ts'
import {
  claimCommitment,
  commitmentNotReported,
  commitmentReported,
  decideCommitment,
  takeCommitment,
} from './commitments.ts'
import { applyConfiguration, type ConfigurationChange } from './configuration.ts'
import {
  attemptCritical,
  changeCriticalLevel,
  communicateCritical,
  withdrawCritical,
} from './critical-results.ts'
import { replayDelivery } from './deliveries.ts'
import { escalateDue } from './escalations.ts'
import { passExam } from './exam-hands.ts'
import { closeException } from './exceptions.ts'
import { sendBackReport, submitReport } from './hand-on.ts'
import { acknowledgeHandover, addHandoverLine, settleHandoverLine } from './handover.ts'
import { noteMark } from './image-marks.ts'
import { receiveOrderMessage } from './inbound-messages.ts'
import { createLaunch } from './launches.ts'
import { raiseListenerException } from './listener-exceptions.ts'
import { moveImages, undoMove } from './moved-images.ts'
import type { Act } from './mutate.ts'
import { seeNotices } from './notices.ts'
import { cancelOrder } from './orders.ts'
import { bringBack, park } from './parking.ts'
import { decideStopped } from './performed-steps.ts'
import { chooseStepProtocol, keepProtocol, retireProtocol, setDefaultProtocol } from './protocols.ts'
import { acceptIncomplete, rejectQuality } from './quality.ts'
import { raiseCriticalResult } from './raise-critical.ts'
import { readApart, readTogether } from './read-together.ts'
import { keepReceivedProtocol } from './received-protocols.ts'
import { rejectInstances, revokeRejection } from './rejections.ts'
import { dropMacro, keepMacro } from './report-macros.ts'
import { giveTemplate, importTemplate } from './report-templates.ts'
import { issuePreliminary, issueWetRead, recallReport } from './reports.ts'
import { sweepRetention } from './retention.ts'
import { retractReport } from './retractions.ts'
import { answerReturn, askReturn } from './returns.ts'
import { changeView, retireView, saveView } from './saved-views.ts'
import { bookStep, reRoom, unbookStep } from './scheduling.ts'
import { seeLateImages } from './seen-late-images.ts'
import { closeOrder } from './settle.ts'
import { settleDuplicate } from './settle-duplicate.ts'
import { dropShift, setShift } from './shifts.ts'
import { noteSimilarSeen } from './similar-names.ts'
import { beginStep, endExam, undoArrive } from './steps.ts'
import { indexInstances, type StoredInstance } from './studies.ts'
import { recordVerified } from './verification.ts'
import { expireLeases, release, skip, takeOver } from './work-items.ts'

/** What an act is about, as JSON carries it; each act reads what it needs. */
export interface Refs {
  /** Department instant of the act; the department's own when left out. */
  now?: string
  /** Who presses; an act of a device or a duty needs nobody. */
  user: string
  orderId: string
  stepId: string
  protocolId: string
  lineId: string
  accession: string
  userId: string
  callId: string
  performedStepId: string
  studyUid: string
  sopInstanceUid: string
  itemId: string
  otherItemId: string
  fence: number
  reportId: string
  criticalId: string
  version: number
  deliveryId: string
  exceptionId: string
  rejectionId: string
  commitmentId: string
  transactionUid: string
  toStepId: string
  moveId: string
  returnId: string
  tokenId: string
  sessionId: string
  launchId: string
  patientId: string
  viewId: string
  folderId: string
  shiftId: string
  instanceId: string
  name: string
  controlId: string
  macroId: string
  scheme: string
  code: string
  start: string
  machineNow: string
  images: StoredInstance[]
  change: ConfigurationChange
}

type Performed = (department: Department, act: Act, refs: Refs) => Promise<unknown>

const CONTENT = {
  sections: [
    { key: 'findings', text: 'A bleed.' },
    { key: 'impression', text: 'Tell the ward.' },
  ],
}

/** A template of one section, under this identifier. */
function aTemplate(identifier: string) {
  const parts = [{ text: 'No bleed.' }]
  const said = { title: 'CT head', language: 'en', publisher: '', rights: '' }
  return {
    template: { identifier, ...said, sections: [{ key: 'findings' as const, parts }] },
    source: '<html></html>',
  }
}

/** Each as its caller does it: what a caller looks up first is looked up here too. */
const PRESSED: Record<string, Performed> = {
  'book-step': (department, act, { stepId, start }) =>
    bookStep(department, act, { stepId, roomId: 'ct-1', start: new Date(start) }),
  'unbook-step': unbookStep,
  're-room': (department, act, { stepId, start }) =>
    reRoom(department, act, { stepId, roomId: 'ct-2', start: new Date(start), reason: 'late' }),
  'pass-exam': (department, act, { stepId, userId }) =>
    passExam(department, act, { stepId, userId, seen: null }),
  reassign: (department, act, { itemId, userId }) =>
    reassign(department, act, { itemId, userId, reason: 'late' }),
  'call-in': (department, act, { itemId, userId }) =>
    callIn(department, act, { itemId, userId, reason: 'late' }),
  'answer-call': (department, act, { callId }) => answerCall(department, act, { callId, answer: 'coming' }),
  'see-notices': (department, act, { itemId }) => seeNotices(department, act, { itemIds: [itemId] }),
  'withdraw-call': (department, act, { callId }) =>
    withdrawCall(department, act, { callId, reason: 'taken-back' }),
  'add-handover-line': (department, act, { accession }) =>
    addHandoverLine(department, act, {
      ...{ siteId: 'MAIN', kind: 'waiting', waitingFor: 'lab', words: 'Potassium asked for', accession },
      roomId: null,
    }),
  'acknowledge-handover': (department, act, { name }) => acknowledgeHandover(department, act, { key: name }),
  'settle-handover-line': (department, act, { lineId }) =>
    settleHandoverLine(department, act, { lineId, isSettled: true }),
  'keep-protocol': (department, act, { name }) =>
    keepProtocol(department, act, {
      ...{ id: null, scheme: 'LN', code: '30799-1', protocolCode: 'X', name, parameters: [], aliases: [] },
    }),
  'retire-protocol': (department, act, { protocolId }) => retireProtocol(department, act, { id: protocolId }),
  'set-default-protocol': (department, act, { protocolId }) =>
    setDefaultProtocol(department, act, { id: protocolId }),
  'choose-step-protocol': chooseStepProtocol,
  'undo-arrive': undoArrive,
  'begin-step': beginStep,
  'end-exam': endExam,
  'decide-stopped': (department, act, { performedStepId }) =>
    decideStopped(department, act, { performedStepId, decision: 'book-again' }),
  'move-images': (department, act, { performedStepId, toStepId }) =>
    moveImages(department, act, { performedStepId, toStepId, reason: 'wrong-patient' }),
  'undo-move': undoMove,
  'ask-return': (department, act, { itemId, fence }) =>
    askReturn(department, act, { itemId, fence, kind: 'retake', reason: 'motion', instances: [] }),
  'answer-return': (department, act, { returnId }) =>
    answerReturn(department, act, { returnId, answer: 'not-possible', words: 'The patient has left.' }),
  'cancel-order': (department, act, { orderId }) =>
    cancelOrder(department, act, { orderId, reason: 'asked twice' }),
  'reject-quality': (department, act, { itemId, fence }) =>
    rejectQuality(department, act, {
      itemId,
      fence,
      reasonCodes: ['motion'],
      instances: [],
      repeated: true,
    }),
  'accept-incomplete': (department, act, { itemId, fence }) =>
    acceptIncomplete(department, act, { itemId, fence, reason: 'the patient has left' }),
  'reject-instances': (department, act, { studyUid, sopInstanceUid }) =>
    rejectInstances(department, act, {
      studyUid,
      sopInstanceUid,
      code: '113001' satisfies RejectionCode,
      reason: 'blurred',
    }),
  'revoke-rejection': (department, act, { rejectionId }) =>
    revokeRejection(department, act, { rejectionId, reason: 'it is fine' }),
  release,
  skip: (department, act, { itemId, fence }) => skip(department, act, { itemId, fence, reason: 'not mine' }),
  'take-over': (department, act, { itemId, fence }) =>
    takeOver(department, act, { itemId, fenceSeen: fence, reason: 'the patient waits' }),
  park: (department, act, { itemId, fence }) =>
    park(department, act, { itemId, fence, place: { cursor: null, layout: null } }),
  'bring-back': bringBack,
  'keep-macro': (department, act, { name }) =>
    keepMacro(department, act, { name, text: 'No [left|right] effusion.', shared: true }),
  'drop-macro': (department, act, { macroId }) => dropMacro(department, act, { macroId }),
  'import-template': (department, act, { name }) =>
    importTemplate(department, act, { ...aTemplate(name), reauthenticated: true }),
  'give-template': (department, act, { name, scheme, code }) =>
    giveTemplate(department, act, { scheme, code, identifier: name, reauthenticated: true }),
  'read-together': readTogether,
  'read-apart': readApart,
  'issue-preliminary': (department, act, { itemId, fence, reportId }) =>
    issuePreliminary(department, act, { itemId, fence, reportId, content: CONTENT }),
  'issue-wet-read': (department, act, { itemId, fence, reportId }) =>
    issueWetRead(department, act, { itemId, fence, reportId, content: CONTENT }),
  'submit-report': (department, act, { itemId, fence, reportId }) =>
    submitReport(department, act, { itemId, fence, reportId, content: CONTENT }),
  'send-back-report': (department, act, { itemId, fence, reportId }) =>
    sendBackReport(department, act, {
      ...{ itemId, fence, reportId, reason: 'missed', reauthenticated: true },
    }),
  'recall-report': recallReport,
  'open-amendment': (department, act, { reportId }) =>
    openAmendment(department, act, { reportId, kind: 'addendum' }),
  'drop-amendment': dropAmendment,
  'sign-amendment': (department, act, { reportId, fence }) =>
    signAmendment(department, act, {
      ...{ reportId, fence, kind: 'addendum', reauthenticated: true },
      content: { sections: [{ key: 'addendum', text: 'A clip is in place.' }] },
    }),
  'retract-report': async (department, act, { reportId, version }) =>
    retractReport(department, act, {
      ...{ reportId, version, reason: 'wrong-patient', reauthenticated: true },
      secondPerson: (await actAs(department, 'radiologist2')).actor,
    }),
  'see-late-images': async (department, act, { reportId }) =>
    seeLateImages(department, act, { reportId, until: await department.now() }),
  'raise-critical': (department, act, { reportId, now }) =>
    raiseCriticalResult(department, act, {
      ...{ reportId, finding: 'A bleed.', level: 1, foundAt: new Date(now!) },
    }),
  'attempt-critical': (department, act, { criticalId }) =>
    attemptCritical(
      department,
      { ...act, key: `attempt ${criticalId}` },
      { criticalId, method: 'telephone' },
    ),
  'communicate-critical': (department, act, { criticalId }) =>
    communicateCritical(department, act, {
      ...{ criticalId, recipient: 'The ward', toldAt: act.now, method: 'telephone', readBack: true },
      reauthenticated: true,
    }),
  'change-critical-level': (department, act, { criticalId }) =>
    changeCriticalLevel(department, act, { criticalId, level: 2 }),
  'withdraw-critical': async (department, act, { criticalId }) =>
    withdrawCritical(department, act, {
      ...{ criticalId, reason: 'a skin fold' },
      secondPerson: (await actAs(department, 'radiologist2')).actor,
    }),
  'replay-delivery': replayDelivery,
  'close-exception': (department, act, { exceptionId }) =>
    closeException(department, act, { exceptionId, reason: 'put-right' }),
  'settle-duplicate': (department, act, { exceptionId }) =>
    settleDuplicate(department, act, { exceptionId, decision: 'take' }),
  'create-token': (department, act, { name }) =>
    createToken(department, act, { name, role: 'integration', sites: ['MAIN'], reauthenticated: true }),
  'revoke-token': (department, act, { tokenId }) =>
    revokeToken(department, act, { id: tokenId, reauthenticated: true }),
  'apply-configuration': (department, act, { change }) => applyConfiguration(department, act, change),
  'create-launch': async (department, act, { orderId, sessionId, studyUid }) => {
    const asked = { orderId, sessionId, purpose: 'read' } as const
    const open = await openLaunch(department.sql, { ...asked, studies: [studyUid] })
    return open ?? createLaunch(department, act, asked)
  },
  'note-mark': (department, act, refs) =>
    noteMark(department, act, { ...refs, kind: 'key-images', images: 1 }),
  'note-similar-seen': noteSimilarSeen,
  'save-view': (department, act, { name }) =>
    saveView(department, act, { list: 'reading', name, filter: 'priority:stat', shared: true }),
  'change-view': (department, act, { viewId }) =>
    changeView(department, act, { viewId, filter: 'area:neuro' }),
  'retire-view': retireView,
  'put-in-folder': (department, act, { orderId }) =>
    putInFolder(department, act, { orderId, name: `Teaching ${orderId}` }),
  'take-out-of-folder': takeOutOfFolder,
  'retire-folder': retireFolder,
  'set-shift': (department, act, { userId, start }) => {
    const from = new Date(start)
    const to = new Date(from.getTime() + 8 * 3_600_000)
    return setShift(department, act, { siteId: 'MAIN', area: 'neuro', userId, from, to })
  },
  'drop-shift': dropShift,
}

const OF_DEVICES: Record<string, Performed> = {
  'index-instances': (department, act, { images }) => indexInstances(department, act, images),
  'take-commitment': (department, act, { images, transactionUid }) =>
    takeCommitment(department, act, {
      aeTitle: 'CT1',
      transactionUid,
      instances: images,
      patienceUntil: act.machineNow,
    }),
  'decide-commitment': async (department, act, { images, machineNow }) => {
    const owed = await owedCommitment(department, machineNow)
    if (!owed || owed.failures) return
    const studies = new Map(images.map((image) => [image.sopInstanceUid, image.studyUid]))
    await decideCommitment(department, act, { id: owed.id, failures: {}, studies })
  },
  'report-commitment': async (department, act, { machineNow }) => {
    const owed = await owedCommitment(department, machineNow)
    if (owed)
      await commitmentReported(department, act, { id: owed.id, aeTitle: 'CT1', onSameAssociation: false })
  },
  'commitment-not-reported': async (department, act, { machineNow }) => {
    const owed = await owedCommitment(department, machineNow)
    if (!owed) return
    await commitmentNotReported(department, act, {
      id: owed.id,
      aeTitle: 'CT1',
      nextAttemptAt: new Date(Date.parse(machineNow) + 60_000),
      reason: 'CT1 cannot be told.',
    })
  },
  'set-aside': async (department, act, { name }) => {
    const { setAside } = await import('#archive/ingest/set-aside.ts')
    const blob = { key: name, bytes: 1_000, datasetOffset: 300, sha256: name }
    const fault = { reason: 'dataset-truncated', sopInstanceUid: null } as const
    await setAside(department, act, { blob, fault, sourceAe: 'CT1', peer: '127.0.0.1' })
  },
  'receive-hanging-protocol': (department, act, { name }) =>
    keepReceivedProtocol(department, act, {
      blob: { key: name, bytes: 1_000, sha256: name },
      ...{ sopInstanceUid: '1.2.3', sourceAe: 'WS1', peer: '127.0.0.1', values: {}, leftOut: 0 },
    }),
  'note-refusal': async (department, _act, { name }) => {
    const { RefusalLog } = await import('#archive/scp/refusal-log.ts')
    const log = new RefusalLog(department, pino({ level: 'silent' }))
    log.note({
      key: `unknown:${name}`,
      aeTitle: name,
      address: '127.0.0.1',
      audit: { type: 'association.refused', outcome: 'denied', data: {} },
      exception: { reasonCode: 'unknown-calling-ae', reason: 'Nobody knows it.', refs: { aeTitle: name } },
    })
    await log.close()
  },
}

const DUTIES: Record<string, Performed> = {
  'expire-lease': (department, act, { machineNow }) =>
    expireLeases(department, { ...act, machineNow: new Date(machineNow) }),
  escalate: escalateDue,
  'close-order': closeOrder,
  'sweep-retention': sweepRetention,
  'record-verified': async (department, act, { instanceId }) => {
    const before = new Date(Date.now() - 3_600_000)
    const due = await dueForVerification(department.sql, {
      before,
      again: before,
      now: new Date(),
      limit: 10_000,
    })
    const mine = due.filter((one) => one.instanceId === instanceId)
    await recordVerified(
      department,
      act,
      mine.map(({ blob }) => ({ instanceId, blob, found: 'altered' })),
    )
  },
  'refuse-message': async (department, act, { controlId }) => {
    const received = await receiveOrderMessage(department, act, anEnvelope({ controlId }), [
      anOrder({ control: 'CA', placer: { value: controlId, authority: 'EMR' } }),
    ])
    if (received.outcome === 'refused') throw received.error
  },
  'listener-exception': (department, _act, { name }) =>
    raiseListenerException(department, { type: 'cut', bytes: Buffer.from('MSH|') }, name),
}

// Claimed at the same instant by every try, so that the claim itself leaves no trace.
async function owedCommitment(department: Department, machineNow: string) {
  return claimCommitment(department, new Date(machineNow), { leaseMs: 0, answered: [] })
}

async function perform(department: Department, name: string, refs: Refs): Promise<unknown> {
  const now = refs.now === undefined ? undefined : new Date(refs.now)
  const at = now ? { now } : {}
  if (PRESSED[name]) return PRESSED[name](department, await actAs(department, refs.user, now), refs)
  if (OF_DEVICES[name]) return OF_DEVICES[name](department, await deviceAct(department, 'CT1', at), refs)
  return DUTIES[name]!(department, await dutyAct(department, at), refs)
}

const [databaseUrl, failpointFile, name, refs] = process.argv.slice(2) as [string, string, string, string]
armFailpoints(failpointFile)
const department = openDepartment(databaseUrl, { name: 'killed-act', max: 3 })
let said = 'done'
try {
  await perform(department, name, JSON.parse(refs) as Refs)
} catch (error) {
  const refusal = refusalCode(error)
  if (refusal === null) throw error
  said = refusal
}
await department.close()
process.stdout.write(said)
