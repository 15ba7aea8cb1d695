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
      <label className="field">
        <span>{t('catalogue.protocol-name')}</span>
        <input
          className="input"
          name="name"
          maxLength={64}
          required
          defaultValue={protocol?.name ?? ''}
          autoComplete="off"
        />
      </label>
      <label className="field">
        <span>{t('catalogue.protocol-code')}</span>
        <input
          className="input mono"
          name="protocolCode"
          maxLength={16}
          required
          defaultValue={protocol?.protocolCode ?? ''}
          autoComplete="off"
        />
      </label>
      <label className="field catalogue-wide">
        <span>{t('catalogue.parameters')}</span>
        <textarea
          className="input"
          name="parameters"
          rows={3}
          defaultValue={parameters
            .map(({ name, value, unit }) => `${name}: ${value} ${unit}`.trim())
            .join('\n')}
        />
      </label>
      <label className="field catalogue-wide">
        <span>{t('catalogue.aliases')}</span>
        <textarea
          className="input"
          name="aliases"
          rows={2}
          defaultValue={protocol?.aliases.join('\n') ?? ''}
        />
      </label>
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
