/** Acting where one looks: a lead gives the row's work to somebody, moves its exam, or calls somebody in. */
import './late.css'
import { useEffect, useState } from 'react'
import { useFetcher } from 'react-router'
import type { RoomChoice } from '#app/server/colleagues.ts'
import type { LateCase } from '#app/server/late-cases.ts'
import type { Refused } from '#app/server/refusal.ts'
import type { Colleague } from '#db/queries/colleagues.ts'
import { useKeys } from '../../keys/key-layer.tsx'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { timeOrDay } from '../../ui/format.ts'
import { ErrorLine, UndoBar } from '../../ui/messages.tsx'
import { type Reason, ReasonPicker } from '../../ui/reason-picker.tsx'
import type { ScreenKey } from '../../ui/screen.tsx'

export type LeadAct = 'reassign' | 're-room' | 'call-in'

/** What was done and how it is taken back, as the action answers it. */
export interface Done {
  ok: true
  done: { act: LeadAct; to: string; undo: Record<string, string> | null }
}

const UNDO_MS = 30_000

interface Choices {
  id: string
  people: Colleague[]
  rooms: (Omit<RoomChoice, 'start'> & { start: string })[]
}

/** The keys for the foot bar, and what asks, answers or offers the way back over the list's lower corner. */
export function useLeadActs(row: LateCase | undefined, mayAct: boolean) {
  const [asked, setAsked] = useState<{ act: LeadAct; row: LateCase } | null>(null)
  const acting = useFetcher<Done | Refused>()
  const choices = useFetcher<Choices>()
  function ask(act: LeadAct, about: LateCase | undefined = row): void {
    const isNew = about !== undefined && (asked?.row.id !== about.id || asked.act !== act)
    setAsked(isNew ? { act, row: about } : null)
    if (!isNew) return
    const query = act === 're-room' ? `step=${about.stepId}` : `item=${about.id}`
    void choices.load(`/late/choices?${query}`)
  }
  function choose(choice: string): void {
    if (!asked) return
    const { act } = asked
    const [roomId = '', start = ''] = choice.split('~')
    const chosen: Record<string, string> =
      act === 're-room'
        ? { stepId: asked.row.stepId ?? '', roomId, start }
        : { itemId: asked.row.id, userId: choice }
    setAsked(null)
    submit({ intent: act, ...chosen })
  }
  const submit = (fields: Record<string, string>) =>
    void acting.submit(fields, { method: 'post', action: '/late' })
  const keys: ScreenKey[] = mayAct
    ? [
        { chord: 'A', word: t('lead.reassign'), where: 'list', run: () => ask('reassign') },
        {
          chord: 'M',
          word: t('lead.re-room'),
          where: 'list',
          run: () => ask('re-room'),
          disabled: !row?.stepId,
        },
        { chord: 'I', word: t('lead.call-in'), where: 'list', run: () => ask('call-in') },
      ]
    : []
  const panel = (
    <div className="over-late">
      {asked ? (
        <Choosing
          asked={asked}
          choices={
            choices.data?.id === (asked.act === 're-room' ? asked.row.stepId : asked.row.id)
              ? choices.data
              : null
          }
          onChoose={choose}
          onClose={() => setAsked(null)}
        />
      ) : null}
      <Answer answer={acting.state === 'idle' ? acting.data : undefined} onUndo={submit} />
    </div>
  )
  return { keys, panel, ask }
}

interface ChoosingProps {
  asked: { act: LeadAct; row: LateCase }
  /** Null until they have come. */
  choices: Choices | null
  onChoose: (code: string) => void
  onClose: () => void
}

function Choosing({ asked, choices, onChoose, onClose }: ChoosingProps) {
  const { act, row } = asked
  useKeys([{ chord: 'Escape', word: t('keys.close'), run: onClose }])
  const zone = useZone()
  const now = useDepartmentNow()
  const reasons: Reason[] | undefined =
    act === 're-room'
      ? choices?.rooms.map(({ roomId, name, start }) => ({
          code: `${roomId}~${start}`,
          word: name,
          consequence: t('lead.free-from', { time: timeOrDay(new Date(start), zone, now) }),
        }))
      : choices?.people.map((each) => ({ code: each.id, word: each.name, consequence: inHand(each) }))
  const title = t(`lead.${act}-of`, { accession: row.accession, procedure: row.procedure })
  return (
    <section className="panel" aria-label={title}>
      <h2 className="strong">{title}</h2>
      {row.holder && act !== 're-room' ? (
        <p className="small text-2">{t('lead.held', { name: row.holder.name })}</p>
      ) : null}
      {reasons === undefined ? (
        <p className="text-3">{t('lead.asking')}</p>
      ) : reasons.length === 0 ? (
        <p className="text-2">{t(act === 're-room' ? 'lead.no-room' : 'lead.nobody')}</p>
      ) : (
        <ReasonPicker
          key={choices?.id}
          label={title}
          reasons={reasons.slice(0, 9)}
          chosen={null}
          takesFocus
          onChoose={onChoose}
        />
      )}
      <Button chord="Escape" onClick={onClose}>
        {t('reason.close')}
      </Button>
    </section>
  )
}

function inHand({ isHere, isAssigned, isCalled, inHand: n }: Colleague): string {
  if (isAssigned) return t('lead.theirs')
  if (isCalled) return t('lead.called-already')
  return t(isHere ? 'lead.here' : 'lead.away', { n })
}

/** What the last act came to: a refusal in words, or the way back. */
function Answer({
  answer,
  onUndo,
}: {
  answer: Done | Refused | undefined
  onUndo: (fields: Record<string, string>) => void
}) {
  const [shown, setShown] = useState<{ answer: Done | Refused; untilMs: number } | null>(null)
  useEffect(() => {
    if (answer) setShown({ answer, untilMs: Date.now() + UNDO_MS })
  }, [answer])
  if (!shown) return null
  if (!shown.answer.ok) return <ErrorLine>{shown.answer.sentence}</ErrorLine>
  const { act, to, undo } = shown.answer.done
  const done = t(`lead.${act}-done`, { to })
  if (!undo)
    return (
      <p className="undo-bar" role="status">
        {done}
      </p>
    )
  return (
    <UndoBar
      key={shown.untilMs}
      done={done}
      untilMs={shown.untilMs}
      onUndo={() => {
        setShown(null)
        onUndo(undo)
      }}
    />
  )
}

/** What stands in the row of somebody called in. */
export function CallState({ call }: Pick<LateCase, 'call'>) {
  const zone = useZone()
  const now = useDepartmentNow()
  if (!call) return null
  const at = timeOrDay(new Date(call.answeredAt ?? call.askedAt), zone, now)
  return (
    <span className={call.answer === 'coming' ? 'tag ok' : 'tag risk'}>
      {wordFor('lead.call', call.answer ?? 'open')} {call.name} {at}
    </span>
  )
}
