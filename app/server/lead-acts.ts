/** A lead's acts on a row: reassign, move to another room, call in; each says what it did and how it is taken back. */
import { data } from 'react-router'
import type { Department } from '#db/department.ts'
import { reassign } from '#db/mutations/assignments.ts'
import { callIn, withdrawCall } from '#db/mutations/call-ins.ts'
import { reRoom } from '#db/mutations/scheduling.ts'
import { RadiologyError } from '#domain/errors.ts'
import type { Done, LeadAct } from '../routes/department-head/lead-acts.tsx'
import { t } from '../strings/words.ts'
import type { SignedIn } from './guard.ts'

type Text = (name: string) => string
type Acted = Promise<Omit<Done, 'ok'>>

/** Why a lead stepped in, as the record keeps it: the row was late, or about to be. */
async function reasonOf({ sql, now }: Pick<Department, 'sql' | 'now'>, itemId: string): Promise<string> {
  const [item] = await sql<{ due_at: Date | null }[]>`select due_at from work_items where id = ${itemId}`
  return item?.due_at && item.due_at < (await now()) ? 'late' : 'at-risk'
}

const ACTS: Record<string, (signedIn: SignedIn, text: Text) => Acted> = {
  async reassign({ server: { department }, act }, text) {
    const [itemId, userId] = [text('itemId'), text('userId') || null]
    const reason = await reasonOf(department, itemId)
    const { from } = await reassign(department, await act(), { itemId, userId, reason })
    return done('reassign', await nameOf(department, userId), {
      intent: 'reassign',
      itemId,
      userId: from ?? '',
    })
  },
  async 're-room'({ server: { department }, act }, text) {
    const [stepId, roomId] = [text('stepId'), text('roomId')]
    const start = new Date(text('start'))
    if (Number.isNaN(start.getTime())) throw new RadiologyError('invalid-message', { field: 'start' })
    const before = await reRoom(department, await act(), { stepId, roomId, start, reason: 'at-risk' })
    const [room] = await department.sql<{ name: string }[]>`select name from rooms where id = ${roomId}`
    return done('re-room', room?.name ?? roomId, { intent: 're-room', stepId, ...before })
  },
  async 'call-in'({ server: { department }, act }, text) {
    const [itemId, userId] = [text('itemId'), text('userId')]
    const reason = await reasonOf(department, itemId)
    const { callId } = await callIn(department, await act(), { itemId, userId, reason })
    return done('call-in', await nameOf(department, userId), { intent: 'withdraw-call', callId })
  },
  async 'withdraw-call'({ server: { department }, act }, text) {
    await withdrawCall(department, await act(), { callId: text('callId'), reason: 'taken-back' })
    return done('call-in', t('lead.nobody-called'), null)
  },
}

export async function leadAct(signedIn: SignedIn, intent: string, text: Text): Acted {
  const run = Object.hasOwn(ACTS, intent) ? ACTS[intent] : undefined
  if (!run) throw data(null, { status: 400 })
  return run(signedIn, text)
}

function done(act: LeadAct, to: string, undo: Record<string, string> | null): Omit<Done, 'ok'> {
  return { done: { act, to, undo } }
}

async function nameOf({ sql }: Pick<Department, 'sql'>, userId: string | null): Promise<string> {
  if (userId === null) return t('lead.whoever')
  const [user] = await sql<{ name: string }[]>`select name from users where id = ${userId}`
  return user?.name ?? userId
}
