/** What the scanner is to do for the patient under the cursor: as planned, the default in one press, or another. */
import { useState } from 'react'
import type { Protocol } from '#db/queries/protocols.ts'
import type { ScanStep } from '#db/queries/scan-queue.ts'
import { useKeys } from '../../keys/key-layer.tsx'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { Glyph } from '../../ui/glyph.tsx'
import { ReasonPicker } from '../../ui/reason-picker.tsx'

interface StepProtocolProps {
  step: ScanStep
  library: Protocol[]
  busy: boolean
  /** Empty: the procedure's default. */
  onChoose: (protocolId: string) => void
}

export function StepProtocol({ step, library, busy, onChoose }: StepProtocolProps) {
  const [isChoosing, setChoosing] = useState(false)
  const own = library.filter(({ scheme, code }) => `${scheme} ${code}` === step.libraryOf)
  const planned = own.find(({ id }) => id === step.protocolId)
  const standard = own.find(({ isDefault }) => isDefault)
  useKeys([
    {
      chord: 'Alt+K',
      word: t('scan.other-protocol'),
      run: () => setChoosing(!isChoosing),
      disabled: own.length === 0,
    },
  ])
  return (
    <div className="step-protocol">
      <p className="small">
        <Glyph name="rule" /> {t('scan.protocol', { name: step.protocol ?? t('scan.no-protocol') })}
      </p>
      {planned ? <p className="small text-2">{parametersOf(planned)}</p> : null}
      {own.length > 0 ? (
        <div className="step-protocol-keys">
          {standard && standard.id !== step.protocolId ? (
            <Button busy={busy} onClick={() => onChoose('')}>
              {t('scan.default-protocol', { name: standard.name })}
            </Button>
          ) : null}
          <Button
            chord="Alt+K"
            look="quiet"
            aria-expanded={isChoosing}
            onClick={() => setChoosing(!isChoosing)}
          >
            {t('scan.other-protocol')}
          </Button>
        </div>
      ) : null}
      {isChoosing ? (
        <ReasonPicker
          label={t('scan.other-protocol')}
          reasons={own.map((each) => ({ code: each.id, word: each.name, consequence: parametersOf(each) }))}
          chosen={step.protocolId}
          takesFocus
          onChoose={(id) => {
            setChoosing(false)
            onChoose(id)
          }}
        />
      ) : null}
    </div>
  )
}

function parametersOf({ parameters }: Protocol): string {
  return parameters.map(({ name, value, unit }) => [name, value, unit].filter(Boolean).join(' ')).join(' · ')
}
