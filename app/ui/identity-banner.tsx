/** Who and which order: the first thing under the shell on every screen about one order; it never cuts or collapses. */
import type { ReactNode } from 'react'
import type { Phase, Priority as PriorityWord } from '#domain/words.ts'
import { t } from '../strings/words.ts'
import { useDepartmentNow, useZone } from './department-clock.tsx'
import { age, calendarDate, dayKey, NONE } from './format.ts'
import { Glyph } from './glyph.tsx'
import { PatientName } from './patient-name.tsx'
import type { PersonName } from './person-name.ts'
import { PhaseTag } from './phase-tag.tsx'
import { Priority } from './priority.tsx'

export interface Identity {
  name: PersonName
  sex: string | null
  birthDate: string | null
  identifiers: { value: string; issuer: string }[]
  accession: string
  procedure: string
  phase?: Phase | undefined
  priority?: PriorityWord | undefined
}

export function IdentityBanner({ identity, children }: { identity: Identity; children?: ReactNode }) {
  const { name, birthDate, accession, procedure, phase, priority } = identity
  return (
    <section className="identity-banner" aria-label={t('identity.banner')}>
      <h1>
        <PatientName name={name} />
      </h1>
      <dl>
        <Fact label={t('identity.sex-age')}>{useSexAge(identity)}</Fact>
        <Fact label={t('identity.born')}>{calendarDate(birthDate)}</Fact>
        <Fact label={t('identity.mrn')}>{identifierText(identity.identifiers)}</Fact>
        <Fact label={t('identity.accession')}>{accession}</Fact>
        <Fact label={t('identity.procedure')}>{procedure}</Fact>
        {phase ? (
          <Fact label={t('identity.phase')}>
            <PhaseTag phase={phase} />
          </Fact>
        ) : null}
      </dl>
      <div className="end">
        {priority ? <Priority value={priority} /> : null}
        {children}
      </div>
    </section>
  )
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** `F · 71 y` */
export function useSexAge({ sex, birthDate }: { sex: string | null; birthDate: string | null }): string {
  const zone = useZone()
  const today = dayKey(useDepartmentNow(), zone)
  return `${sex ?? NONE} · ${age(birthDate, today)}`
}

/** One number stands alone; several say whose they are. */
export function identifierText(identifiers: { value: string; issuer: string }[]): string {
  if (identifiers.length === 0) return NONE
  if (identifiers.length === 1) return identifiers[0]?.value ?? NONE
  return identifiers.map(({ value, issuer }) => `${value} (${issuer})`).join(', ')
}

/** The other person of the same name: named in full, before anybody acts. */
export function SimilarName({
  name,
  birthDate,
  identifiers,
}: Pick<Identity, 'name' | 'birthDate' | 'identifiers'>) {
  return (
    <p className="similar-name">
      <Glyph name="twin" />
      <span>
        {t('identity.not')} <PatientName name={name} />
        {t('identity.other', { born: calendarDate(birthDate), mrn: identifierText(identifiers) })}
      </span>
    </p>
  )
}
