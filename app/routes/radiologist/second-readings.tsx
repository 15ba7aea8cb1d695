/** What others wrote and I shall answer for, and what came back to me: two lists of one shape. */
import { type LoaderFunctionArgs, useFetcher, useLoaderData, useNavigate } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { askedView } from '#app/server/list-bar.ts'
import { worklist } from '#db/queries/worklists.ts'
import { useLive } from '../../live/use-live.ts'
import { placeAt, rolesWith } from '../../places.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { count } from '../../ui/format.ts'
import { EmptyState } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'
import { caseColumns } from '../../worklist/case-columns.tsx'
import { useCaseFolders } from '../../worklist/case-folders.tsx'
import { FilterBar, viewKeys } from '../../worklist/filter-bar.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { ListTabs } from '../../worklist/list-tabs.tsx'
import { type ListedCase, listedCases } from '../../worklist/listed-case.ts'
import { useListView } from '../../worklist/use-list-view.ts'
import { WorklistTable } from '../../worklist/worklist-table.tsx'

/** The address says which of the two: `/over-read` or `/sent-back`. */
function listAt(url: string): 'over-read' | 'sent-back' {
  return new URL(url).pathname.replace(/\.data$/, '').endsWith('/sent-back') ? 'sent-back' : 'over-read'
}

export async function loader(args: LoaderFunctionArgs) {
  const list = listAt(args.request.url)
  const signedIn = await requireUser(args, rolesWith(list))
  const { person, server } = signedIn
  const { department } = server
  const kinds = placeAt(list).kinds ?? []
  const { filter, counted, bar } = await askedView(signedIn, list, new URL(args.request.url).searchParams)
  const { rows, total, counts } = await worklist(department.sql, person.actor, kinds, {
    ...{ now: await department.now(), filter, counted },
  })
  return {
    list,
    rows: listedCases(rows, { userId: person.id, machineNow: new Date() }),
    bar: bar(counts, total),
  }
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
  const { list, rows, bar } = useLoaderData<typeof loader>()
  useLive([...(placeAt(list).kinds ?? []).map((kind) => `list:${kind}`), 'report.submitted', `views:${list}`])
  const view = useListView(bar)
  const navigate = useNavigate()
  const claiming = useFetcher<{ sentence?: string }>()
  const cursor = useKeptCursor(view.name, rows)
  const { current } = cursor
  const folders = useCaseFolders(current)
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
      className="list-screen viewed"
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        { chord: 'Enter', word: t('reading.claim-and-open'), where: 'list' },
        {
          chord: 'T',
          word: t('reading.timeline'),
          where: 'list',
          run: () => current && void navigate(`/orders/${current.orderId}`),
        },
        folders.key,
        ...viewKeys(view),
      ]}
    >
      {folders.panel}
      <div className="toolbar">
        <h1 className="visually-hidden">{t(`nav.${list}`)}</h1>
        <ListTabs view={view} />
        <span className={refused ? 'push risk' : 'push text-3'} role="status">
          {refused ?? t('second.waiting', { n: bar.tabs[0]?.count?.count ?? bar.shown })}
        </span>
        <Button
          look="primary"
          chord="Enter"
          busy={isBusy}
          blocked={!current && t(rows.length > 0 ? 'worklist.left' : 'second.none')}
          onClick={() => open(current)}
        >
          {t('reading.claim-and-open')}
        </Button>
      </div>
      <FilterBar view={view} columns={COLUMNS} />
      <div className="list-and-detail list-alone">
        <WorklistTable
          name={view.name}
          label={t(`nav.${list}`)}
          rows={rows}
          total={bar.shown}
          columns={COLUMNS}
          layout={view.layout}
          onLayout={view.setLayout}
          cursorId={cursor.id}
          onCursor={cursor.move}
          onOpen={open}
          empty={
            <NothingHere
              list={list}
              elsewhere={bar.tabs[0]?.count?.count ?? 0}
              onAll={() => view.show('all')}
            />
          }
        />
      </div>
    </Screen>
  )
}

function NothingHere({
  list,
  elsewhere,
  onAll,
}: {
  list: 'over-read' | 'sent-back'
  elsewhere: number
  onAll: () => void
}) {
  if (elsewhere === 0)
    return (
      <EmptyState title={t('second.none')}>
        <p>{t(`second.none-${list}`)}</p>
      </EmptyState>
    )
  return (
    <EmptyState title={t('reading.empty')}>
      <p>{t('reading.empty-else', { n: elsewhere })}</p>
      <Button look="quiet" onClick={onAll}>
        {t('reading.show-all')}
      </Button>
    </EmptyState>
  )
}
