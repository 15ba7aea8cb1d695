/** The other person of a similar name, named in full with what differs underlined, before anybody acts. */
import { useFetcher } from 'react-router'
import { t } from '../strings/words.ts'
import { Button } from './button.tsx'
import { calendarDate } from './format.ts'
import { Glyph } from './glyph.tsx'
import { identifierText } from './identifier-text.ts'
import { nameParts, type PersonName } from './person-name.ts'

interface NamedPatient {
  name: PersonName
  birthDate: string | null
  identifiers: { value: string; issuer: string }[]
}

export interface SimilarPerson extends NamedPatient {
  patientId: string
}

interface SimilarNameProps {
  orderId: string
  /** The patient of the banner. */
  own: NamedPatient
  other: SimilarPerson
}

export function SimilarName({ orderId, own, other }: SimilarNameProps) {
  const seen = useFetcher()
  const [ours, theirs] = [nameParts(own.name), nameParts(other.name)]
  const [ourNumber, theirNumber] = [identifierText(own.identifiers), identifierText(other.identifiers)]
  return (
    <div className="similar-name" role="note">
      <Glyph name="twin" />
      <span>
        {t('identity.not')}{' '}
        <b>
          <Differing ours={ours.family} theirs={theirs.family} />
        </b>
        {theirs.family && theirs.given ? ', ' : null}
        <Differing ours={ours.given} theirs={theirs.given} />{' '}
        {theirs.native ? (
          <bdi lang={theirs.nativeLanguage}>
            <Differing ours={ours.native} theirs={theirs.native} />{' '}
          </bdi>
        ) : null}
        · {t('identity.born')}{' '}
        <Differing ours={calendarDate(own.birthDate)} theirs={calendarDate(other.birthDate)} /> ·{' '}
        {t('identity.mrn')} <Differing ours={ourNumber} theirs={theirNumber} />
      </span>
      <Button
        look="quiet"
        busy={seen.state !== 'idle'}
        onClick={() =>
          void seen.submit(
            { patientId: other.patientId },
            { method: 'post', action: `/orders/${orderId}/similar-name` },
          )
        }
      >
        {t('identity.seen')}
      </Button>
    </div>
  )
}

function Differing({ ours, theirs }: { ours: string; theirs: string }) {
  return ours === theirs ? theirs : <mark>{theirs}</mark>
}
