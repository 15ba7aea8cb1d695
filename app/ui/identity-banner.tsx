/** Who and which order: the first thing under the shell on every screen about one order; it never cuts or collapses. */
import type { ReactNode } from 'react'
import type { Phase, Priority as PriorityWord } from '#domain/words.ts'
import { t } from '../strings/words.ts'
import { useDepartmentNow, useZone } from './department-clock.tsx'
import { age, calendarDate, dayKey, NONE } from './format.ts'
import { identifierText } from './identifier-text.ts'
import { PatientName } from './patient-name.tsx'
import type { PersonName } from './person-name.ts'
import { PhaseTag } from './phase-tag.tsx'
import { Priority } from './priority.tsx'
import { SimilarName, type SimilarPerson } from './similar-name.tsx'

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

interface IdentityBannerProps {
  identity: Identity
  /** Others on today's lists who could be taken for this patient, as far as the person hasn't looked at them. */
  similar?: { orderId: string; people: readonly SimilarPerson[] }
  /** Beside the identity, never within it: another patient's name must not stand next to this one's. */
  beside?: ReactNode
  children?: ReactNode
}

export function IdentityBanner({ identity, similar, beside, children }: IdentityBannerProps) {
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
      {beside}
      <div className="end">
        {priority ? <Priority value={priority} /> : null}
        {children}
      </div>
      {similar?.people.map((other) => (
        <SimilarName key={other.patientId} orderId={similar.orderId} own={identity} other={other} />
      ))}
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
