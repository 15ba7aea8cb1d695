/** What others wrote and I shall answer for, and what came back to me: two lists of one shape. */
import { type LoaderFunctionArgs, useFetcher, useLoaderData, useNavigate } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { worklist } from '#db/queries/worklists.ts'
import { useLive } from '../../live/use-live.ts'
import { placeAt, rolesWith } from '../../places.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { count } from '../../ui/format.ts'
import { EmptyState } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'
import { caseColumns } from '../../worklist/case-columns.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { type ListedCase, listedCases } from '../../worklist/listed-case.ts'
import { WorklistTable } from '../../worklist/worklist-table.tsx'

/** The address says which of the two: `/over-read` or `/sent-back`. */
function listAt(url: string): 'over-read' | 'sent-back' {
  return new URL(url).pathname.replace(/\.data$/, '').endsWith('/sent-back') ? 'sent-back' : 'over-read'
}

export async function loader(args: LoaderFunctionArgs) {
  const list = listAt(args.request.url)
  const { person, server } = await requireUser(args, rolesWith(list))
  const { department } = server
  const kinds = placeAt(list).kinds ?? []
  const { rows } = await worklist(department.sql, person.actor, kinds, { now: await department.now() })
  return { list, rows: listedCases(rows, { userId: person.id, machineNow: new Date() }) }
}

export function meta({ loaderData }: { loaderData?: { list: 'over-read' | 'sent-back' } }) {
  return [{ title: `${t(`nav.${loaderData?.list ?? 'over-read'}`)} · ${t('app.name')}` }]
}

const COLUMNS = caseColumns(
  'priority',
  'timeLeft',
  'patient',
  'sexAge',
  'procedure',
  'modality',
  'images',
  'area',
  'phase',
  'claimed',
)

export default function SecondReadings() {
  const { list, rows } = useLoaderData<typeof loader>()
  useLive([...(placeAt(list).kinds ?? []).map((kind) => `list:${kind}`), 'report.submitted'])
  const navigate = useNavigate()
  const claiming = useFetcher<{ sentence?: string }>()
  const [cursorId, setCursor] = useKeptCursor(list, rows)
  const current = rows.find(({ id }) => id === cursorId) ?? rows[0]
  const isBusy = claiming.state !== 'idle'
  function open(row: ListedCase | undefined): void {
    if (!row || isBusy) return
    if (row.isMine || row.isTaken) void navigate(`/reading/${row.id}`)
    else void claiming.submit({ intent: 'claim', itemId: row.id }, { method: 'post', action: '/reading' })
  }
  const refused = !isBusy ? claiming.data?.sentence : null
  return (
    <Screen
      label={t(`nav.${list}`)}
      className="list-screen"
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        { chord: 'Enter', word: t('reading.claim-and-open'), where: 'list' },
        {
          chord: 'T',
          word: t('reading.timeline'),
          where: 'list',
          run: () => current && void navigate(`/orders/${current.orderId}`),
        },
      ]}
    >
      <div className="toolbar">
        <h1 className="strong">{t(`nav.${list}`)}</h1>
        <span className={refused ? 'push risk' : 'push text-3'} role="status">
          {refused ?? t('second.waiting', { n: count(rows.length) })}
        </span>
        <Button
          look="primary"
          chord="Enter"
          busy={isBusy}
          blocked={!current && t('second.none')}
          onClick={() => open(current)}
        >
          {t('reading.claim-and-open')}
        </Button>
      </div>
      <div className="list-and-detail list-alone">
        <WorklistTable
          name={list}
          label={t(`nav.${list}`)}
          rows={rows}
          columns={COLUMNS}
          cursorId={current?.id ?? null}
          onCursor={setCursor}
          onOpen={open}
          empty={
            <EmptyState title={t('second.none')}>
              <p>{t(`second.none-${list}`)}</p>
            </EmptyState>
          }
        />
      </div>
    </Screen>
  )
}
