/** A patient's name as it stands on a list: FAMILY, Given, then the native script (PS3.5 6.2.1.1). */
import { t } from '../strings/words.ts'
import { Glyph } from './glyph.tsx'
import { nameParts, type PersonName } from './person-name.ts'

export function PatientName({ name, similar = false }: { name: PersonName; similar?: boolean }) {
  const { family, given, native, nativeLanguage } = nameParts(name)
  return (
    <span className="patient-name">
      {/* First, so that no name is too long for it. */}
      {similar ? (
        <>
          <Glyph name="twin" />
          <span className="visually-hidden">{t('identity.similar')}</span>
        </>
      ) : null}
      {family ? <b>{family}</b> : null}
      {family && given ? ', ' : null}
      {given}
      {family || given ? null : t('identity.unknown-name')}
      {native ? (
        <bdi className="native" lang={nativeLanguage}>
          {native}
        </bdi>
      ) : null}
    </span>
  )
}
