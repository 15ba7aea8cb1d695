/** What became of what I handed on: who has it, what was changed in it, and how it was graded. */
import '../../reporting/over-read.css'
import './my-preliminaries.css'
import { useRef } from 'react'
import { Link, type LoaderFunctionArgs, useLoaderData } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { type FollowedReport, handedOnBy } from '#db/queries/over-read.ts'
import { can } from '#domain/permissions.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { Differences } from '../../reporting/differences.tsx'
import { t, wordFor } from '../../strings/words.ts'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { count, timeOrDay } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { EmptyState } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { Screen } from '../../ui/screen.tsx'

const DAYS = 30
const DAY_MS = 86_400_000

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('my-preliminaries'))
  const { department } = server
  const since = new Date((await department.now()).getTime() - DAYS * DAY_MS)
  const reports = await handedOnBy(department.sql, person.id, since)
  const may = (siteId: string) => can(person.actor, 'see-report', { siteId, released: true }).allowed
  return { reports: reports.filter(({ siteId }) => may(siteId)) }
}

export function meta() {
  return [{ title: `${t('nav.my-preliminaries')} · ${t('app.name')}` }]
}

export default function MyPreliminaries() {
  const { reports } = useLoaderData<typeof loader>()
  useLive(['list:over-read', 'list:sign', 'list:sent-back', 'report.signed', 'report.recalled'])
  const list = useRef<HTMLUListElement>(null)
  const move = (by: number) => {
    const lines = [...(list.current?.querySelectorAll('summary') ?? [])]
    const at = lines.findIndex((line) => line === document.activeElement)
    lines[at < 0 ? 0 : Math.min(lines.length - 1, Math.max(0, at + by))]?.focus()
  }
  return (
    <Screen
      label={t('nav.my-preliminaries')}
      className="my-preliminaries"
      keys={
        reports.length === 0
          ? []
          : [
              {
                chord: 'ArrowUp',
                caps: ['↑', '↓'],
                word: t('keys.move'),
                where: 'list',
                run: () => move(-1),
              },
              { chord: 'ArrowDown', word: t('keys.move'), where: 'list', run: () => move(1), silent: true },
              { chord: 'Enter', word: t('keys.open'), where: 'list' },
            ]
      }
    >
      <div className="toolbar">
        <h1 className="strong">{t('nav.my-preliminaries')}</h1>
        <span className="push text-3">{t('mine.shown', { n: count(reports.length), days: DAYS })}</span>
      </div>
      {reports.length === 0 ? (
        <EmptyState title={t('mine.none')}>
          <p>{t('mine.none-why')}</p>
        </EmptyState>
      ) : (
        <div className="followed-reports">
          <p className="followed-heads" aria-hidden="true">
            <span />
            <span>{t('column.patient')}</span>
            <span>{t('column.procedure')}</span>
            <span>{t('identity.accession')}</span>
            <span>{t('mine.handed-on')}</span>
            <span>{t('mine.standing')}</span>
          </p>
          <ul ref={list} data-keys="list">
            {reports.map((report) => (
              <li key={report.reportId}>
                <Followed report={report} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </Screen>
  )
}

function Followed({ report }: { report: FollowedReport }) {
  const zone = useZone()
  const now = useDepartmentNow('minute')
  const { patient, procedure, accession, orderId, handedOnAt, itemId } = report
  return (
    <details>
      <summary>
        <Glyph name="chevron" />
        <PatientName name={patient} />
        <span>{procedure}</span>
        <span className="text-2">{accession}</span>
        <span className="text-2">{timeOrDay(handedOnAt, zone, now)}</span>
        <Standing report={report} />
      </summary>
      {report.signed ? <Differences before={report.own} after={report.signed} /> : null}
      <p className="row">
        {itemId ? <Link to={`/reading/${itemId}`}>{t('mine.mend')}</Link> : null}
        <Link to={`/orders/${orderId}`}>{t('reading.timeline')}</Link>
      </p>
    </details>
  )
}

/** In one line: waits, is being read, came back, or what its signer thinks of it. */
function Standing({
  report: { state, agreement, reader, signed, sentBackReason },
}: {
  report: FollowedReport
}) {
  if (sentBackReason)
    return (
      <span className="risk">{`${wordFor('report-state', state)}: ${wordFor('send-back', sentBackReason)}`}</span>
    )
  if (signed) {
    const grade = agreement ? wordFor('grade', agreement) : wordFor('report-state', state)
    return (
      <span className={agreement === 'major' ? 'risk' : ''}>
        {t('mine.signed', { grade, name: reader ?? '' })}
      </span>
    )
  }
  return <span className="text-2">{reader ? t('mine.read-by', { name: reader }) : t('mine.waits')}</span>
}
