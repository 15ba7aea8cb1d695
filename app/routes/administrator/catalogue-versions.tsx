/** The versions of the procedures, what each would bring back, and the way back to it with the password. */
import { type ReactNode, useState } from 'react'
import type { CatalogueVersion } from '#db/queries/catalogue-versions.ts'
import { t, wordFor } from '../../strings/words.ts'
import { FormPassword } from '../../ui/act-form.tsx'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { NONE, timeOrDay } from '../../ui/format.ts'

interface VersionsProps {
  versions: CatalogueVersion[]
  mayChange: boolean
  busy: boolean
  onRollBack: (fields: Record<string, string>) => void
}

export function Versions({ versions, mayChange, busy, onRollBack }: VersionsProps) {
  const [chosen, choose] = useState<number | null>(null)
  const [newest] = versions
  const version = versions.find((each) => each.version === chosen)
  return (
    <section className="panel catalogue-entry" aria-label={t('catalogue.versions')}>
      <h2 className="strong">{t('catalogue.versions')}</h2>
      {newest ? null : <p className="small text-3">{t('catalogue.no-versions')}</p>}
      <ul className="catalogue-protocols">
        {versions.map((each) => (
          <li key={each.version}>
            <button
              type="button"
              className="link"
              aria-pressed={each.version === chosen}
              onClick={() => choose(each.version === chosen ? null : each.version)}
            >
              {each.version === 0
                ? t('catalogue.as-seeded')
                : t('catalogue.version-name', { version: each.version })}
            </button>
            <Said of={each} />
            {each === newest ? <span className="push small ok">{t('catalogue.in-force')}</span> : null}
          </li>
        ))}
      </ul>
      {version && version !== newest ? (
        <Back key={version.version} to={version}>
          {mayChange && version.changes.length > 0 ? (
            <form
              className="catalogue-back"
              onSubmit={(event) => {
                event.preventDefault()
                const password = String(new FormData(event.currentTarget).get('password') ?? '')
                if (!busy) onRollBack({ version: String(version.version), password })
              }}
            >
              <FormPassword />
              <Button type="submit" look="primary" wide busy={busy}>
                {version.version === 0
                  ? t('catalogue.roll-back-installed')
                  : t('catalogue.roll-back', { version: version.version })}
              </Button>
            </form>
          ) : null}
        </Back>
      ) : null}
    </section>
  )
}

function Said({ of: { version, appliedBy, appliedAt, rolledBackFrom } }: { of: CatalogueVersion }) {
  const [zone, now] = [useZone(), useDepartmentNow()]
  if (version === 0) return null
  const back = rolledBackFrom === null ? [] : [t('catalogue.as-of', { version: rolledBackFrom })]
  return (
    <span className="small text-3">{[appliedBy, timeOrDay(appliedAt, zone, now), ...back].join(' · ')}</span>
  )
}

function Back({ to, children }: { to: CatalogueVersion; children: ReactNode }) {
  return (
    <>
      <dl className="catalogue-back small">
        {to.changes.map(({ key, shortName, fields }) => (
          <div key={key}>
            <dt>{shortName}</dt>
            {fields.map(({ name, now, back }) => (
              <dd key={name} className="text-2">
                {t('catalogue.back-field', {
                  ...{ field: wordFor('catalogue', name), now: shown(now), back: shown(back) },
                })}
              </dd>
            ))}
          </div>
        ))}
        {to.changes.length === 0 ? <p className="text-3">{t('catalogue.same-now')}</p> : null}
      </dl>
      {to.stays.length > 0 ? (
        <p className="small text-3">{t('catalogue.stays', { names: to.stays.join(', ') })}</p>
      ) : null}
      {children}
    </>
  )
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return NONE
  return Array.isArray(value) ? value.join(', ') || NONE : String(value)
}
