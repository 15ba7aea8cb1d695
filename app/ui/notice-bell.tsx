/** What the department tells this person by itself, in one place of the bar: how many, and on a press what and by when. */
import { Link } from 'react-router'
import { useKeys } from '../keys/key-layer.tsx'
import { type ShownNotice, useNotices } from '../live/use-notices.ts'
import { t, wordFor } from '../strings/words.ts'
import { Keys } from './button.tsx'
import { badgeCount, duration } from './format.ts'
import { Glyph } from './glyph.tsx'
import { Priority } from './priority.tsx'
import { TimeLeft } from './time-left-meter.tsx'
import { useDismissal } from './use-dismissal.ts'

export function NoticeBell({ userId }: { userId: string }) {
  const { notices, see } = useNotices(userId)
  const { box, isOpen, setOpen } = useDismissal<HTMLDivElement>()
  const toggle = () => setOpen(!isOpen)
  useKeys([{ chord: 'F9', word: t('notices.title'), run: toggle }])
  const words = t('notices.unseen', { n: notices.length })
  return (
    <div className="person-menu notice-bell" ref={box}>
      <button type="button" className="person" aria-expanded={isOpen} title={words} onClick={toggle}>
        <Glyph name="bell" />
        <span className={notices.length > 0 ? 'count risk' : 'count none'} aria-hidden="true">
          {badgeCount(notices.length)}
        </span>
        <span className="visually-hidden" role="status">
          {words}
        </span>
      </button>
      {isOpen ? (
        <div className="menu notices">
          <header>
            <h2 className="strong">{t('notices.title')}</h2>
            <Keys chord="F9" />
          </header>
          {notices.length === 0 ? <p className="text-3">{t('notices.none')}</p> : null}
          <ul>
            {notices.map((notice) => (
              <li key={notice.itemId}>
                <NoticeLine notice={notice} onFollow={() => setOpen(false)} />
              </li>
            ))}
          </ul>
          {notices.length > 0 ? (
            <button
              type="button"
              className="button wide"
              onClick={() => {
                see()
                setOpen(false)
              }}
            >
              {t('notices.seen')}
            </button>
          ) : null}
        </div>
      ) : null}
    </div>
  )
}

function NoticeLine({ notice, onFollow }: { notice: ShownNotice; onFollow: () => void }) {
  const { itemId, orderId, kind, priority, accession, procedure, rung, lateByMs, reads } = notice
  const { dueAt, dueFrom, lateAt } = notice
  return (
    <Link
      to={reads ? `/${kind === 'quality' ? 'quality-check' : 'reading'}/${itemId}` : `/orders/${orderId}`}
      onClick={onFollow}
    >
      <Priority value={priority} />
      <TimeLeft allowance={{ dueAt, from: dueFrom, lateAt }} />
      <span>
        {procedure} <span className="mono text-2">{accession}</span>
        <span className="small text-2 notice-why">
          {wordFor('notices.rung', kind === 'quality' && rung === 'reassign' ? 'notify' : rung)} ·{' '}
          {wordFor('work', kind)}
          {lateByMs >= 60_000 ? ` · ${t('notices.late-by', { time: duration(lateByMs) })}` : ''}
        </span>
      </span>
    </Link>
  )
}
