/** Taking back what is out of a report: a reason, one's own password, and a colleague who says so too. */
import { useState } from 'react'
import { useFetcher } from 'react-router'
import { RETRACT_REASONS } from '#domain/report.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorLine } from '../../ui/messages.tsx'
import { ReasonPicker } from '../../ui/reason-picker.tsx'
import { SecondPerson } from './second-person.tsx'

const REASONS = RETRACT_REASONS.map((code) => ({ code, word: wordFor('retract-reason', code) }))

interface WithdrawReportProps {
  /** `version` is the newest that stands on this screen. */
  report: { id: string; version: number }
}

export function WithdrawReport({ report }: WithdrawReportProps) {
  const [isOpen, setOpen] = useState(false)
  const [reason, setReason] = useState<string | null>(null)
  const acting = useFetcher<{ ok: true } | { ok: false; sentence: string }>()
  const refused = acting.state === 'idle' && acting.data && !acting.data.ok ? acting.data.sentence : null
  if (!isOpen)
    return (
      <Button wide onClick={() => setOpen(true)}>
        {t('retract.title')}
      </Button>
    )
  return (
    <section aria-label={t('retract.title')}>
      <h2 className="strong">{t('retract.title')}</h2>
      <p className="small text-2">{t('retract.explains')}</p>
      <acting.Form method="post" className="stack">
        <input type="hidden" name="intent" value="retract" />
        <input type="hidden" name="reportId" value={report.id} />
        <input type="hidden" name="version" value={report.version} />
        <input type="hidden" name="reason" value={reason ?? ''} />
        <ReasonPicker
          label={t('retract.reason')}
          reasons={REASONS}
          chosen={reason}
          takesFocus
          onChoose={setReason}
        />
        <label className="field">
          <span>{t('retract.password')}</span>
          <input className="input" name="password" type="password" required autoComplete="current-password" />
        </label>
        <SecondPerson />
        {refused ? <ErrorLine>{refused}</ErrorLine> : null}
        <Button
          type="submit"
          wide
          busy={acting.state !== 'idle'}
          blocked={reason === null && t('retract.needs-reason')}
        >
          {t('retract.do')}
        </Button>
        <Button wide onClick={() => setOpen(false)}>
          {t('reason.close')}
        </Button>
      </acting.Form>
    </section>
  )
}
