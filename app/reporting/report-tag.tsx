/** How the report stands: its state, or while it is being written, when the server last kept it. */
import { t, wordFor } from '../strings/words.ts'
import { useZone } from '../ui/department-clock.tsx'
import { clockTime } from '../ui/format.ts'
import type { DraftState } from './use-draft.ts'

interface ReportTagProps {
  state: string | null
  draft: DraftState
  savedAt: string | null
  mayWrite: boolean
}

export function ReportTag({ state, draft, savedAt, mayWrite }: ReportTagProps) {
  const zone = useZone()
  if (!mayWrite)
    return (
      <span className={state === 'SIGN_REJECTED' ? 'tag risk' : 'tag'}>
        {state ? wordFor('report-state', state) : t('report-state.none')}
      </span>
    )
  if (draft === 'kept-here') {
    return (
      <span className="tag risk" role="status">
        {t('room.kept-here')}
      </span>
    )
  }
  const time = savedAt ? clockTime(new Date(savedAt), zone, { seconds: true }) : null
  return (
    <span className="tag" role="status">
      {draft === 'unsaved' ? t('room.unsaved') : time ? t('room.saved', { time }) : t('report-state.DRAFT')}
    </span>
  )
}
