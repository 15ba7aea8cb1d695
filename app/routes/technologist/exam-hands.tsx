import { useState } from 'react'
import type { ScanStep, Technologist } from '#db/queries/scan-queue.ts'
import { useKeys } from '../../keys/key-layer.tsx'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { Glyph } from '../../ui/glyph.tsx'
import { type Reason, ReasonPicker } from '../../ui/reason-picker.tsx'

interface ExamHandsProps {
  step: ScanStep
  people: Technologist[]
  userId: string
  busy: boolean
  /** The person's id; empty: nobody. */
  onPass: (userId: string) => void
}

/** In whose hands the exam is: one press takes it, another passes it on. */
export function ExamHands({ step, people, userId, busy, onPass }: ExamHandsProps) {
  const [isPassing, setPassing] = useState(false)
  const { hands } = step
  const word = t(hands?.id === userId ? 'scan.pass' : 'scan.take')
  useKeys([{ chord: 'Alt+P', word, run: () => setPassing(!isPassing), disabled: !step.isToDo }])
  return (
    <div className="step-protocol">
      <p className={hands?.id === userId ? 'small you' : 'small text-2'}>
        <Glyph name="person" />{' '}
        {hands?.id === userId
          ? t('scan.hands-you')
          : hands
            ? t('scan.hands', { name: hands.name })
            : t('scan.hands-nobody')}
      </p>
      <div className="step-protocol-keys">
        <Button
          chord="Alt+P"
          look="quiet"
          aria-expanded={isPassing}
          busy={busy}
          blocked={step.isToDo ? null : t('scan.pass-not-yet')}
          onClick={() => setPassing(!isPassing)}
        >
          {word}
        </Button>
      </div>
      {isPassing ? (
        <ReasonPicker
          label={word}
          reasons={handsFor(step, people, userId)}
          chosen={null}
          takesFocus
          onChoose={(id) => {
            setPassing(false)
            onPass(id)
          }}
        />
      ) : null}
    </div>
  )
}

/** In whose hands it could go from here: first one's own. */
export function handsFor({ hands, siteId }: ScanStep, people: Technologist[], userId: string): Reason[] {
  const able = people.filter(
    ({ id, sites }) => id !== hands?.id && (sites.includes('*') || sites.includes(siteId)),
  )
  return [
    ...able.filter(({ id }) => id === userId).map(({ id }) => ({ code: id, word: t('scan.pass-me') })),
    ...able.filter(({ id }) => id !== userId).map(({ id, name }) => ({ code: id, word: name })),
    ...(hands ? [{ code: '', word: t('scan.pass-nobody') }] : []),
  ]
}
