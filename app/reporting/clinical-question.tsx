/** What was asked, and who asked it: the first thing on the report's page. */
import type { ReadingRoom } from '#db/queries/reading-room.ts'
import { t } from '../strings/words.ts'

export function ClinicalQuestion({ reason, requester }: Pick<ReadingRoom, 'reason' | 'requester'>) {
  const name = [requester?.prefix, requester?.given, requester?.family].filter(Boolean).join(' ')
  return (
    <section className="report-section">
      <h3 className="label">{t('section.question')}</h3>
      <p className="report-text text-2">{reason ?? t('app.none')}</p>
      {name ? (
        <p className="small text-3">
          {t('room.asked-by', { name })}
          {requester?.phone ? ` · ${t('detail.phone', { phone: requester.phone })}` : ''}
        </p>
      ) : null}
    </section>
  )
}
