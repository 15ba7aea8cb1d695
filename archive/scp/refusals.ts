/** What the DICOM port turned away, in words for an administrator, each with the setting that would allow it. */
import type { Refusal } from '#archive/dimse/refusal.ts'
import type { DimseRequest } from '#archive/dimse/services.ts'
import { NO_LONGER_UPDATABLE, type Outcome, STATUS, statusHex } from '#archive/dimse/status.ts'
import type { Asking } from './devices.ts'

/** One thing that happened at the door. */
export interface Incident {
  /** The same again is counted, not written anew. */
  key: string
  aeTitle: string
  address: string
  audit: { type: string; outcome: 'success' | 'denied' | 'failure'; data: Record<string, unknown> }
  /** What somebody should mend or allow; null: the audit trail is enough. */
  exception: { reasonCode: string; reason: string; refs: Record<string, unknown> } | null
}

export function incidentOf(refusal: Refusal): Incident {
  if (refusal.kind === 'context') return contextRefused(refusal)
  if (refusal.kind === 'aborted') return brokenOff(refusal)
  const { result, source, reason } = refusal.rejection ?? {}
  const code = refusal.kind === 'connection' ? 'connection-refused' : reasonCodeOf(reason)
  return incident(refusal, {
    type: `${refusal.kind === 'connection' ? 'connection' : 'association'}.refused`,
    key: `association:${peerOf(refusal)}:${code}:${reason ?? ''}:${refusal.why}`,
    reasonCode: code,
    isListed: true,
    data: { result, source, reason },
  })
}

/** An association of a peer that no row names, let in by policy. */
export function unknownCaller({ callingAe, calledAe, remoteAddress }: Asking): Incident {
  const [aeTitle, setting] = [printable(callingAe), 'policy unknownCallingAe']
  return {
    key: `unknown:${aeTitle}:${remoteAddress}`,
    aeTitle,
    address: remoteAddress,
    audit: {
      type: 'association.accepted-unknown',
      outcome: 'success',
      data: { callingAe: aeTitle, policy: 'unknownCallingAe accept-and-flag' },
    },
    exception: {
      reasonCode: 'unknown-calling-ae-accepted',
      reason: `${aeTitle} from ${remoteAddress} is no device of this department and was let in by policy. Add it to the devices, or set the policy unknownCallingAe to refuse.`,
      refs: { aeTitle, calledAe: printable(calledAe), address: remoteAddress, setting },
    },
  }
}

/** A request answered with a failure: what was asked, and the answer. */
export function requestRefused(
  { association, command, context, sopClassUid }: DimseRequest,
  outcome: Outcome,
): Incident {
  const { callingAe, remoteAddress } = association.agreement
  const aeTitle = printable(callingAe)
  const service = serviceName(command.name)
  const status = statusHex(outcome.status)
  const title = command.set.text('MoveDestination')
  const destination = command.name === 'cMove' ? printable(title) : undefined
  const whither = destination === undefined ? '' : ` to ${destination}`
  const why = `${service}${whither} was answered ${status}: ${outcome.comment ?? meaningOf(outcome.status)}`
  const setting = settingFor(outcome.status, destination)
  const said = { ...(destination === undefined ? {} : { destination }), ...(setting ? { setting } : {}) }
  const data = { service, status, sopClassUid: printable(sopClassUid, 64), why, ...said }
  // What was set aside is on the list already, with its bytes; a query that cannot be understood harmed nobody; and a
  // scanner that lost our answer says again what we have, which is how it learns that we have it.
  const isRepeat = outcome.status === STATUS.duplicateSopInstance || outcome.errorId === NO_LONGER_UPDATABLE
  // What fails on our side the log has; but an object that could not be kept, its sender has to send again.
  const isOurs = outcome.status === STATUS.processingFailure || outcome.status === STATUS.outOfResources
  const isSetAside = SET_ASIDE.includes(outcome.status) && sopClassUid === context.abstractSyntax
  const isTold = isRepeat || (command.name === 'cStore' ? isSetAside : isOurs || command.name === 'cFind')
  return {
    key: `request:${aeTitle}:${remoteAddress}:${service}${whither}:${data.sopClassUid}:${status}`,
    aeTitle,
    address: remoteAddress,
    audit: { type: 'request.refused', outcome: 'denied', data },
    exception: isTold
      ? null
      : {
          reasonCode: 'request-refused',
          reason: `${aeTitle} from ${remoteAddress}: ${why}.${allowedBy(setting)}`,
          refs: { aeTitle, address: remoteAddress, service, status, sopClassUid: data.sopClassUid, ...said },
        },
  }
}

function settingFor(status: number, destination: string | undefined): string | undefined {
  if (status === STATUS.moveDestinationUnknown) return `devices.${destination}, its host and port`
  return status === STATUS.outOfResources ? 'room on the disk that BLOB_STORE names' : undefined
}

const SET_ASIDE: readonly number[] = [STATUS.cannotUnderstand, STATUS.datasetDoesNotMatch]

function contextRefused(refusal: Refusal): Incident {
  const [sopClassUids, transferSyntaxUids] = [refusal.abstractSyntaxes, refusal.transferSyntaxes].map(
    (uids) => (uids ?? []).map((uid) => printable(uid, 64)),
  ) as [string[], string[]]
  const proposed = transferSyntaxUids.length > 0 ? `, in ${named(transferSyntaxUids)}` : ''
  return incident(
    { ...refusal, why: `${refusal.why}: ${named(sopClassUids)}${proposed}` },
    {
      type: 'association.context-refused',
      key: `context:${peerOf(refusal)}:${refusal.setting ?? ''}:${refusal.why}`,
      reasonCode: 'context-not-accepted',
      // What nobody could allow is no work for anybody.
      isListed: refusal.setting !== undefined,
      data: { sopClassUids, ...(proposed ? { transferSyntaxUids } : {}) },
    },
  )
}

const NAMED = 5

function named(uids: readonly string[]): string {
  const more = uids.length - NAMED
  return `${uids.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** A peer that leaves in the middle, or falls silent between requests, broke no rule of ours. */
function brokenOff(refusal: Refusal): Incident {
  const { code = 'internal', clock, wanted, byPeer = false } = refusal.error ?? {}
  return incident(refusal, {
    type: 'association.broken-off',
    key: `aborted:${peerOf(refusal)}:${code}:${clock ?? wanted ?? ''}`,
    reasonCode: code === 'peer-too-slow' ? 'too-slow' : 'protocol-broken',
    // Nor is anything wrong with those whom we leave because we stop.
    isListed: !byPeer && clock !== 'idle' && code !== 'association-aborted',
    data: { code, ...(clock ? { clock } : {}) },
  })
}

function incident(
  refusal: Refusal,
  of: { type: string; key: string; reasonCode: string; isListed: boolean; data: Record<string, unknown> },
): Incident {
  const { remoteAddress: address, why, setting } = refusal
  const [aeTitle, calledAe] = [printable(refusal.callingAe), printable(refusal.calledAe)]
  return {
    key: of.key,
    aeTitle,
    address,
    audit: {
      type: of.type,
      outcome: refusal.kind === 'aborted' ? 'failure' : 'denied',
      data: { callingAe: aeTitle, calledAe, ...of.data, why, setting },
    },
    exception: of.isListed
      ? { reasonCode: of.reasonCode, reason: inWords(refusal), refs: { aeTitle, calledAe, address, setting } }
      : null,
  }
}

const peerOf = ({ callingAe, calledAe, remoteAddress }: Refusal): string =>
  `${printable(callingAe)}:${printable(calledAe)}:${remoteAddress}`

function reasonCodeOf(reason: number | undefined): string {
  if (reason === 3) return 'calling-ae-not-recognized'
  return reason === 7 ? 'called-ae-not-recognized' : 'not-accepted'
}

const HAPPENED = {
  connection: 'was not let in',
  rejected: 'was refused',
  context: 'was refused a part of what it asked for',
  aborted: 'was cut off',
}

function inWords({ kind, callingAe, calledAe, remoteAddress, why, setting }: Refusal): string {
  const who = callingAe === undefined ? 'A peer' : printable(callingAe)
  const calling = calledAe === undefined ? '' : `, calling ${printable(calledAe)},`
  return `${who} from ${remoteAddress}${calling} ${HAPPENED[kind]}. ${why}.${allowedBy(setting)}`
}

const allowedBy = (setting: string | undefined): string =>
  setting ? ` What would allow it: ${setting}.` : ''

/** `cStore` as the standard writes it. */
function serviceName(name: string | undefined): string {
  if (!name) return 'an unknown request'
  return `${name[0]!.toUpperCase()}-${name
    .slice(1)
    .replace(/(?!^)([A-Z])/g, '-$1')
    .toUpperCase()}`
}

function meaningOf(status: number): string {
  const name = Object.entries(STATUS).find(([, value]) => value === status)?.[0] ?? 'failure'
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/\bsop\b/, 'SOP')
}

// A title comes from whoever connects: it goes into rows and words as plain text or not at all.
function printable(text: string | undefined, length = 16): string {
  return (
    (text ?? '')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, length)
      .trim() || '(none)'
  )
}
