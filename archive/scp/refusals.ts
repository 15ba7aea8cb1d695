/** Peers turned away: one line in the audit trail each time, and one exception that says which setting would let them in. */
import type { Refusal } from '#archive/dimse/refusal.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { audit } from '#db/mutations/audit.ts'
import { raiseException } from '#db/mutations/exceptions.ts'
import { mutate } from '#db/mutations/mutate.ts'
import type { Asking } from './devices.ts'

/** A connection that breaks off is the log's business alone; what we turned away is also an administrator's. */
export async function recordRefusal(department: Department, refusal: Refusal): Promise<void> {
  if (refusal.kind === 'aborted') return
  if (refusal.kind === 'context') return auditContext(department, refusal)
  const act = await deviceAct(department, printable(refusal.callingAe), { address: refusal.remoteAddress })
  const { result, source, reason } = refusal.rejection ?? {}
  const callingAe = printable(refusal.callingAe)
  const calledAe = printable(refusal.calledAe)
  await mutate(department, act, 'refuse-association', async (scope) => {
    scope.audit({
      subject: `device:${callingAe}`,
      type: 'association.refused',
      outcome: 'denied',
      data: { callingAe, calledAe, result, source, reason, why: refusal.why, setting: refusal.setting },
    })
    const [site] = await scope.sql<{ id: string }[]>`
      select site_id as id from devices where ae_title = ${callingAe} union all (select id from sites order by id limit 1) limit 1`
    if (!site) return
    await raiseException(scope, {
      kind: 'refused-association',
      key: `association:${callingAe}:${calledAe}:${refusal.remoteAddress}:${reason ?? refusal.kind}`,
      reasonCode: reasonCodeOf(reason),
      reason: inWords(refusal),
      refs: { aeTitle: callingAe, calledAe, address: refusal.remoteAddress, setting: refusal.setting },
      siteId: site.id,
    })
  })
}

function reasonCodeOf(reason: number | undefined): string {
  if (reason === 3) return 'calling-ae-not-recognized'
  return reason === 7 ? 'called-ae-not-recognized' : 'not-accepted'
}

function inWords({ callingAe, calledAe, remoteAddress, why, setting }: Refusal): string {
  const who = `${printable(callingAe)} from ${remoteAddress}, calling ${printable(calledAe)}, was refused.`
  return `${who} ${why}.${setting ? ` What would allow it: ${setting}.` : ''}`
}

async function auditContext(department: Department, refusal: Refusal): Promise<void> {
  const callingAe = printable(refusal.callingAe)
  const act = await deviceAct(department, callingAe, { address: refusal.remoteAddress })
  await audit(department, act, {
    subject: `device:${callingAe}`,
    type: 'association.context-refused',
    outcome: 'denied',
    data: { callingAe, sopClassUid: printable(refusal.abstractSyntax, 64), why: refusal.why },
  })
}

/** An association of a peer that no row names, let in by policy. */
export async function recordUnknownCaller(
  department: Department,
  { callingAe, remoteAddress }: Asking,
): Promise<void> {
  const aeTitle = printable(callingAe)
  const act = await deviceAct(department, aeTitle, { address: remoteAddress })
  await audit(department, act, {
    subject: `device:${aeTitle}`,
    type: 'association.accepted-unknown',
    data: { callingAe: aeTitle, policy: 'unknownCallingAe accept-and-flag' },
  })
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
