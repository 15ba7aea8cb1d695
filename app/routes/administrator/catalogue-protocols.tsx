/** The protocols of one procedure: which is the default, what each says, a new version, and one more. */
import { useState } from 'react'
import type { CatalogueProcedure } from '#db/queries/catalogue.ts'
import type { Protocol } from '#db/queries/protocols.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { Glyph } from '../../ui/glyph.tsx'

interface EntryProtocolsProps {
  entry: CatalogueProcedure
  busy: boolean
  onAct: (fields: Record<string, string>) => void
}

export function EntryProtocols({ entry, busy, onAct }: EntryProtocolsProps) {
  const [chosen, choose] = useState<string | null>(null)
  const { protocols, scheme, code } = entry
  const protocol = protocols.find(({ id }) => id === chosen)
  return (
    <section className="panel catalogue-entry" aria-label={t('catalogue.protocols')}>
      <h2 className="strong">{t('catalogue.protocols')}</h2>
      <ul className="catalogue-protocols">
        {protocols.map((each) => (
          <li key={each.id}>
            <button
              type="button"
              className="link"
              aria-pressed={each.id === chosen}
              onClick={() => choose(each.id === chosen ? null : each.id)}
            >
              {each.name}
            </button>
            <span className="small text-3">
              {t('catalogue.protocol-version', { version: each.version, by: each.madeBy })}
            </span>
            {each.isDefault ? (
              <span className="push small ok">
                <Glyph name="check" /> {t('catalogue.default')}
              </span>
            ) : (
              <span className="push catalogue-acts">
                <Button busy={busy} onClick={() => onAct({ intent: 'default-protocol', id: each.id })}>
                  {t('catalogue.make-default')}
                </Button>
                <Button
                  look="quiet"
                  busy={busy}
                  onClick={() => onAct({ intent: 'retire-protocol', id: each.id })}
                >
                  {t('catalogue.retire')}
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
      <ProtocolForm
        key={protocol ? `${protocol.id} ${protocol.version}` : 'new'}
        protocol={protocol}
        busy={busy}
        onKeep={(fields) =>
          onAct({ intent: 'keep-protocol', scheme, code, id: protocol?.id ?? '', ...fields })
        }
      />
    </section>
  )
}

interface ProtocolFormProps {
  protocol: Protocol | undefined
  busy: boolean
  onKeep: (fields: Record<string, string>) => void
}

function ProtocolForm({ protocol, busy, onKeep }: ProtocolFormProps) {
  const parameters = protocol?.parameters ?? []
  return (
    <form
      className="catalogue-fields"
      onSubmit={(event) => {
        event.preventDefault()
        if (!busy) onKeep(Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>)
      }}
    >
      <Line name="name" label={t('catalogue.protocol-name')} maxLength={64} value={protocol?.name} />
      <Line
        name="protocolCode"
        label={t('catalogue.protocol-code')}
        maxLength={16}
        value={protocol?.protocolCode}
      />
      <Lines
        name="parameters"
        label={t('catalogue.parameters')}
        rows={3}
        value={parameters.map(({ name, value, unit }) => `${name}: ${value} ${unit}`.trim())}
      />
      <Lines name="aliases" label={t('catalogue.aliases')} rows={2} value={protocol?.aliases ?? []} />
      <span className="catalogue-wide">
        <Button type="submit" busy={busy}>
          {protocol
            ? t('catalogue.keep-version', { version: protocol.version + 1 })
            : t('catalogue.keep-new')}
        </Button>
      </span>
    </form>
  )
}

interface LineProps {
  name: string
  label: string
  maxLength: number
  value: string | undefined
}

function Line({ name, label, maxLength, value = '' }: LineProps) {
  return (
    <label className="field">
      <span>{label}</span>
      <input
        className={name === 'protocolCode' ? 'input mono' : 'input'}
        name={name}
        maxLength={maxLength}
        required
        defaultValue={value}
        autoComplete="off"
      />
    </label>
  )
}

interface LinesProps {
  name: string
  label: string
  rows: number
  value: readonly string[]
}

function Lines({ name, label, rows, value }: LinesProps) {
  return (
    <label className="field catalogue-wide">
      <span>{label}</span>
      <textarea className="input" name={name} rows={rows} defaultValue={value.join('\n')} />
    </label>
  )
}
