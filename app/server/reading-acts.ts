/** What a reader can do with a case: each intent of the reading room's forms and the act behind it. */
import { redirect } from 'react-router'
import { sendBackReport, submitReport } from '#db/mutations/hand-on.ts'
import { readApart, readTogether } from '#db/mutations/read-together.ts'
import type { UnderFence } from '#db/mutations/reports.ts'
import { issuePreliminary, issueWetRead, signReport } from '#db/mutations/reports.ts'
import { askReturn } from '#db/mutations/returns.ts'
import { reauthenticate } from '#db/mutations/sessions.ts'
import { claim, release, skip, takeOver } from '#db/mutations/work-items.ts'
import { RadiologyError } from '#domain/errors.ts'
import { RETURN_KINDS, RETURN_REASONS } from '#domain/return.ts'
import { AGREEMENTS } from '#domain/words.ts'
import { claimNext } from './claim-next.ts'
import { contentOf, keepDraft, tenureOf } from './drafts.ts'
import type { SignedIn } from './guard.ts'
import { answer, type Refused } from './refusal.ts'

/** A refusal says why; what was done is seen when the page loads again. */
export type ReadingAnswer = Response | Refused | { ok: true }

interface Asked {
  signedIn: SignedIn
  form: FormData
  held: UnderFence
  text(field: string): string
}
type ReadingAct = (asked: Asked) => Promise<ReadingAnswer>

/** Every form brings `intent` and `fence`; what more it brings stands beside the act. */
const READING_ACTS: Readonly<Record<string, ReadingAct>> = {
  /** `reportId`, `sections` */
  save: ({ signedIn, form, held }) => keepDraft(signedIn, form, held),
  /** `reportId`, `sections` */
  preliminary: async (asked) => {
    const { person, server, act } = asked.signedIn
    const answered = await answer(async () =>
      issuePreliminary(server.department, await act(), { ...asked.held, content: contentOf(asked.form) }),
    )
    // A radiologist goes on with the case; a resident's part is done with the word that went out.
    const isDone = answered.ok && !person.roles.includes('radiologist')
    return isDone ? onward(asked) : answered
  },
  /** `reportId`, `sections`: the impression goes out, and the reading goes on */
  'wet-read': ({ signedIn: { server, act }, form, held }) =>
    answer(async () => issueWetRead(server.department, await act(), { ...held, content: contentOf(form) })),
  /** `reportId`, `sections` */
  submit: async (asked) => {
    const { server, act } = asked.signedIn
    const answered = await answer(async () =>
      submitReport(server.department, await act(), { ...asked.held, content: contentOf(asked.form) }),
    )
    return answered.ok ? onward(asked) : answered
  },
  /** `reportId`, `reason`, `words`, `password` */
  'send-back': async (asked) => {
    const { server, act } = asked.signedIn
    const answered = await answer(async () => {
      const reauthenticated = await provedAgain(asked)
      const said = { reason: asked.text('reason'), words: asked.text('words') }
      await sendBackReport(server.department, await act(), { ...asked.held, ...said, reauthenticated })
      return {}
    })
    return answered.ok ? onward(asked) : answered
  },
  /** `reportId`, `sections`, `password`; `agreement` where the words are a resident's */
  sign: async (asked) => {
    const { server, act } = asked.signedIn
    const answered = await answer(async () => {
      const reauthenticated = await provedAgain(asked)
      const content = contentOf(asked.form)
      const agreement = AGREEMENTS.find((grade) => grade === asked.text('agreement')) ?? null
      return signReport(server.department, await act(), {
        ...asked.held,
        content,
        reauthenticated,
        agreement,
      })
    })
    return answered.ok ? onward(asked) : answered
  },
  /** `kind`, `reason`, `words`, `instances` parted by commas: the technologist's turn, and on to the next case */
  'ask-return': async (asked) => {
    const { server, act } = asked.signedIn
    const { itemId, fence } = asked.held
    const kind = RETURN_KINDS.find((each) => each === asked.text('kind'))
    const reason = RETURN_REASONS.find((each) => each === asked.text('reason'))
    const instances = asked.text('instances').split(',').filter(Boolean)
    const answered = await answer(async () => {
      if (!kind || !reason) throw new RadiologyError('reason-required', { itemId })
      const question = { itemId, fence, kind, reason, words: asked.text('words'), instances }
      return askReturn(server.department, await act(), question)
    })
    return answered.ok ? onward(asked) : answered
  },
  /** `reason` */
  skip: async (asked) => {
    const { server, act } = asked.signedIn
    const { itemId, fence } = asked.held
    const answered = await answer(async () => {
      await skip(server.department, await act(), { itemId, fence, reason: asked.text('reason') })
      return {}
    })
    return answered.ok ? onward(asked) : answered
  },
  /** `fence` is 0 where the case isn't held any more: whoever lost it has nothing to give back, and goes on. */
  next: async (asked) => {
    const { server, act } = asked.signedIn
    const { itemId, fence } = asked.held
    if (fence > 0)
      await answer(async () => {
        await release(server.department, await act(), { itemId, fence })
        return {}
      })
    return onward(asked)
  },
  /** `other`: the reading item of another exam of this patient, which comes under this report */
  join: ({ signedIn: { server, act }, held: { itemId, fence }, text }) =>
    answer(async () =>
      readTogether(server.department, await act(), { itemId, fence, otherItemId: text('other') }),
    ),
  /** `other`: one that was joined, taken out again */
  part: ({ signedIn: { server, act }, held: { itemId, fence }, text }) =>
    answer(async () => {
      await readApart(server.department, await act(), { itemId, fence, otherItemId: text('other') })
      return {}
    }),
  claim: ({ signedIn: { server, act }, held: { itemId } }) =>
    answer(async () => claim(server.department, await act(), { itemId })),
  /** `fence` as it was seen, `reason` */
  'take-over': ({ signedIn: { server, act }, held: { itemId, fence }, text }) =>
    answer(async () =>
      takeOver(server.department, await act(), { itemId, fenceSeen: fence, reason: text('reason') }),
    ),
}

/** @returns null for an intent that no screen of ours sends */
export async function readingAct(
  signedIn: SignedIn,
  itemId: string,
  form: FormData,
): Promise<ReadingAnswer | null> {
  const text = (field: string) => String(form.get(field) ?? '')
  const intent = text('intent')
  if (!Object.hasOwn(READING_ACTS, intent)) return null
  return READING_ACTS[intent]!({ signedIn, form, text, held: { ...tenureOf(form), itemId } })
}

/** @throws RadiologyError 'reauthentication-required' */
async function provedAgain({ signedIn: { person, server }, held, text }: Asked): Promise<true> {
  const asked = { userId: person.id, password: text('password') }
  if (await reauthenticate(server.department, asked)) return true
  throw new RadiologyError('reauthentication-required', { itemId: held.itemId })
}

/** The next free case, in place; with nothing left, the list. */
async function onward({ signedIn, held: { itemId } }: Asked): Promise<Response> {
  const next = await claimNext(signedIn, itemId)
  return redirect(next ? `/reading/${next}` : '/reading')
}
