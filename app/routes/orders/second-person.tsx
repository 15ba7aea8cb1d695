/** Who else gives their word for an act that takes two: their name and their password. */
import { t } from '../../strings/words.ts'

export function SecondPerson() {
  return (
    <>
      <label className="field">
        <span>{t('timeline.second-person')}</span>
        <input className="input" name="secondUser" required autoComplete="off" />
      </label>
      <label className="field">
        <span>{t('timeline.second-password')}</span>
        <input className="input" name="secondPassword" type="password" required autoComplete="off" />
      </label>
    </>
  )
}
