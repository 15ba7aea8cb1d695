/** What next, how long have I, why is it mine, who has the others? */
import './reading-list.css'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  type ClientLoaderFunctionArgs,
  data,
  type LoaderFunctionArgs,
  redirect,
  useFetcher,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { claimNext } from '#app/server/claim-next.ts'
import { requireUser } from '#app/server/guard.ts'
import { readingAnswer } from '#app/server/reading-answer.ts'
import { answer } from '#app/server/refusal.ts'
import { recallReport } from '#db/mutations/reports.ts'
import { claim, skip } from '#db/mutations/work-items.ts'
import type { CaseFacts } from '#db/queries/case-facts.ts'
import type { RecallableVersion } from '#db/queries/reading-room.ts'
import { localDate } from '#domain/calendar.ts'
import type { Actor } from '#domain/permissions.ts'
import { useKeys } from '../../keys/key-layer.tsx'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { ParkedOnList } from '../../reporting/parked-on-list.tsx'
import { RecallBars } from '../../reporting/recall-bars.tsx'
import { SKIP_REASONS } from '../../reporting/set-aside-reasons.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { EmptyState } from '../../ui/messages.tsx'
import { ReasonPicker } from '../../ui/reason-picker.tsx'
import { Screen, type ScreenKey } from '../../ui/screen.tsx'
import { caseColumns } from '../../worklist/case-columns.tsx'
import { CaseDetail, useRestingOn } from '../../worklist/case-detail.tsx'
import { useCaseFolders } from '../../worklist/case-folders.tsx'
import { FilterBar, viewKeys } from '../../worklist/filter-bar.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import type { ListBar } from '../../worklist/list-bar.ts'
import { allRows, type ListAnswer, type ListLoaded, listSource } from '../../worklist/list-source.ts'
import { ListTabs } from '../../worklist/list-tabs.tsx'
import type { ListedCase } from '../../worklist/listed-case.ts'
import { useListView } from '../../worklist/use-list-view.ts'
import { yoursInWords } from '../../worklist/why-yours.ts'
import { WorklistTable } from '../../worklist/worklist-table.tsx'

/** What stands beside the rows. */
interface Beside {
  mayClaim: boolean
  /** Who asks, for the rules that say which case is whose; null for whoever only looks on. */
  reader: Actor | null
  recallable: RecallableVersion[]
  bar: ListBar
}

/** As one text: walking every field of a long list is dear. */
export async function loader(args: LoaderFunctionArgs): Promise<{ answer: string }> {
  const signedIn = await requireUser(args, rolesWith('reading'))
  return { answer: await readingAnswer(signedIn, '', new URL(args.request.url).searchParams) }
}

const list = listSource<ListedCase, Beside>({ rows: '/reading/rows', screen: '/reading' })

export async function clientLoader({ request, serverLoader }: ClientLoaderFunctionArgs) {
  return (await list.load(new URL(request.url).searchParams)) ?? serverLoader<typeof loader>()
}

/** The list as the page came with it or as it was asked for since. */
function useReading(): ListLoaded<ListedCase, Beside> {
  const loaded = useLoaderData<Awaited<ReturnType<typeof clientLoader>>>()
  const whole = useMemo(
    () => ('answer' in loaded ? (JSON.parse(loaded.answer) as ListAnswer<ListedCase, Beside>) : null),
    [loaded],
  )
  useEffect(() => {
    if (whole) list.seed(whole)
  }, [whole])
  return useMemo(() => {
    const { rows, mayClaim, reader, recallable, bar } = whole
      ? { ...whole, rows: allRows(whole.list) }
      : (loaded as ListLoaded<ListedCase, Beside>)
    return {
      rows,
      mayClaim,
      reader,
      bar,
      recallable: recallable.map((version) => ({
        ...version,
        signedAt: new Date(version.signedAt),
        recallUntil: new Date(version.recallUntil),
      })),
    }
  }, [whole, loaded])
}

/**
 * Fields by `intent`: `next`; `claim` (itemId; the same without an intent); `skip` (itemId, reason, and fence when it is held);
 * `recall` (reportId, version).
 */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, ['radiologist', 'resident'])
  const { server, act } = signedIn
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '')
  const itemId = text('itemId')

  switch (text('intent') || 'claim') {
    case 'next': {
      const next = await claimNext(signedIn)
      return next
        ? redirect(`/reading/${next}`)
        : { ok: false as const, code: 'none-free', sentence: t('reading.none-free') }
    }
    case 'claim': {
      const answered = await answer(async () => claim(department, await act(), { itemId }))
      return answered.ok ? redirect(`/reading/${itemId}`) : answered
    }
    case 'skip':
      return answer(async () => {
        const fence = text('fence') === '' ? null : Number(text('fence'))
        await skip(department, await act(), { itemId, fence, reason: text('reason') })
        return {}
      })
    case 'recall':
      return answer(async () => {
        const version = Number(text('version'))
        await recallReport(department, await act(), { reportId: text('reportId'), version })
        return {}
      })
    default:
      throw data(null, { status: 400 })
  }
}

export function meta() {
  return [{ title: `${t('reading.title')} · ${t('app.name')}` }]
}

const COLUMNS = caseColumns(
  'priority',
  'timeLeft',
  'patient',
  'sexAge',
  'procedure',
  'modality',
  'images',
  'place',
  'area',
  'priors',
  'why',
  'claimed',
)

/** What the column has no room for is said on hover, and to who listens. */
function WhyHere({ why }: { why: readonly string[] }) {
  return (
    <>
      <span className="ellipsis" title={why.join(' · ')}>
        {why.slice(0, 2).join(' · ')}
      </span>
      <span className="visually-hidden">{why.slice(2).join(' · ')}</span>
    </>
  )
}

/** Why each case is this reader's, by the minute: time lets a case spill. */
function useYours(reader: Actor | null): (row: ListedCase) => string[] {
  const now = useDepartmentNow()
  const zone = useZone()
  const who = JSON.stringify(reader)
  return useMemo(() => {
    const known = JSON.parse(who) as Actor | null
    const at = { now, today: localDate(zone, now) }
    return (row) => (known ? yoursInWords(row, known, at) : [])
  }, [who, now, zone])
}

/** Images that came after a report: they are looked at where it is amended, and there is nothing to claim. */
const isAfterReport = ({ kind }: ListedCase) => kind === 'late'

function openWord(row: ListedCase) {
  if (isAfterReport(row)) return 'reading.open-report'
  return row.isMine ? 'reading.go-on' : 'reading.claim-and-open'
}

export default function ReadingList() {
  const { rows: shown, mayClaim, reader, recallable, bar } = useReading()
  const yours = useYours(reader)
  const columns = useMemo(
    () =>
      COLUMNS.map((column) =>
        column.key === 'why'
          ? { ...column, cell: (row: ListedCase) => <WhyHere why={[...row.why, ...yours(row)]} /> }
          : column,
      ),
    [yours],
  )
  const again = useLive([
    'list:read',
    'list:sent-back',
    'list:sign',
    'list:over-read',
    'list:late',
    'images.arrived',
    'completeness.decided',
    'report.signed',
    'views:reading',
  ])
  const more = useCallback(() => {
    list.wantMore()
    again()
  }, [again])
  const view = useListView(bar)
  const cursor = useKeptCursor(view.name, shown)
  const { current, shown: detailed } = cursor
  const folders = useCaseFolders(current)
  const asking = useFetcher<CaseFacts & { itemId: string }>()
  const facts = useRestingOn(detailed?.id ?? null, {
    load: (id) => void asking.load(`/reading/facts/${id}`),
    loaded: asking.data,
  })
  useFactsAgain(current, (id) => void asking.load(`/reading/facts/${id}`))
  const [hasDetail, setDetail] = useState(true)
  const [skipping, setSkipping] = useState<ListedCase | null>(null)
  const [told, setTold] = useState<string | null>(null)
  const acting = useFetcher<typeof action>()
  const navigate = useNavigate()
  const isBusy = acting.state !== 'idle'
  const refused = acting.data && 'sentence' in acting.data && !isBusy ? acting.data.sentence : null

  function submit(fields: Record<string, string>): void {
    setTold(null)
    if (!isBusy) void acting.submit(fields, { method: 'post', action: '/reading' })
  }
  function open(row: ListedCase | undefined): void {
    if (!row) return
    if (!mayClaim || row.isMine || isAfterReport(row)) viewOnly(row)
    else if (row.isTaken) setTold(t('reading.taken-by', { name: row.holder?.name ?? '' }))
    else submit({ intent: 'claim', itemId: row.id })
  }
  const next = () => submit({ intent: 'next' })
  const viewOnly = (row: ListedCase | undefined) => row && void navigate(`/reading/${row.id}`)
  const timeline = (row: ListedCase | undefined) => row && void navigate(`/orders/${row.orderId}`)
  const toggleSkip = () =>
    setSkipping(skipping || !current || current.isTaken || isAfterReport(current) ? null : current)
  function skipFor(reason: string): void {
    if (!skipping) return
    submit({
      intent: 'skip',
      itemId: skipping.id,
      reason,
      fence: skipping.isMine ? String(skipping.fence) : '',
    })
    setSkipping(null)
  }

  const readerKeys: ScreenKey[] = [
    { chord: 'Enter', word: t('reading.claim-and-open'), where: 'list' },
    { chord: 'N', word: t('reading.next-case'), where: 'list', run: next },
  ]
  return (
    <Screen
      label={t('reading.title')}
      className="list-screen reading-list"
      fact={t('reading.fresh')}
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        ...(mayClaim ? readerKeys : []),
        { chord: 'V', word: t('reading.view-only'), where: 'list', run: () => viewOnly(detailed) },
        ...(mayClaim
          ? [{ chord: 'S' as const, word: t('reading.skip'), where: 'list' as const, run: toggleSkip }]
          : []),
        { chord: 'T', word: t('reading.timeline'), where: 'list', run: () => timeline(detailed) },
        { chord: ' ', word: t('keys.detail'), where: 'list', run: () => setDetail(!hasDetail) },
        folders.key,
        ...viewKeys(view),
      ]}
    >
      {folders.panel}
      <h1 className="visually-hidden">{t('reading.title')}</h1>
      <div className="toolbar">
        <ListTabs view={view} />
        {/* In the line that is there anyway: an answer must not move the list. */}
        {mayClaim ? <ParkedOnList /> : null}
        <span className={told || refused ? 'push risk' : 'push text-3'} role="status">
          {told ?? refused ?? t('reading.sorted')}
        </span>
        {mayClaim ? (
          <Button look="primary" chord="N" busy={isBusy} onClick={next}>
            {isBusy ? t('reading.claiming') : t('reading.next-case')}
          </Button>
        ) : null}
      </div>
      <FilterBar view={view} columns={columns} />
      <div className={hasDetail && detailed ? 'list-and-detail' : 'list-and-detail list-alone'}>
        <WorklistTable
          name={view.name}
          label={t('reading.title')}
          rows={shown}
          total={bar.shown}
          columns={columns}
          layout={view.layout}
          onLayout={view.setLayout}
          onNearEnd={more}
          cursorId={cursor.id}
          onCursor={cursor.move}
          onOpen={open}
          empty={<NothingToRead elsewhere={bar.tabs[0]?.count?.count ?? 0} onAll={() => view.show('all')} />}
        />
        {hasDetail && detailed ? (
          <CaseDetail row={detailed} facts={facts} yours={yours(detailed)}>
            {mayClaim ? (
              <Button
                look="primary"
                size="big"
                wide
                chord="Enter"
                busy={isBusy}
                blocked={current ? current.isTaken && t('refusal.already-claimed') : t('worklist.left')}
                onClick={() => open(current)}
              >
                {t(openWord(detailed))}
              </Button>
            ) : null}
            {isAfterReport(detailed) ? null : (
              <Button wide chord="V" onClick={() => viewOnly(detailed)}>
                {t('reading.view-only')}
              </Button>
            )}
            <Button wide chord="T" onClick={() => timeline(detailed)}>
              {t('reading.timeline')}
            </Button>
          </CaseDetail>
        ) : null}
      </div>
      <div className="over-list">
        {skipping ? (
          <section className="panel" aria-label={t('room.skip')}>
            <h2 className="strong">{t('reading.skip-of', { accession: skipping.accession })}</h2>
            <ReasonPicker
              label={t('room.skip')}
              reasons={SKIP_REASONS}
              chosen={null}
              takesFocus
              onChoose={skipFor}
            />
            <Button chord="Escape" onClick={() => setSkipping(null)}>
              {t('reason.close')}
            </Button>
            <EscapeKey onPress={() => setSkipping(null)} />
          </section>
        ) : null}
        <RecallBars versions={recallable} />
      </div>
    </Screen>
  )
}

/** A row that says something else, while the cursor rests on it, has other facts perhaps. */
function useFactsAgain(current: ListedCase | undefined, load: (id: string) => void): void {
  const before = useRef(current)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row is the only reason to ask
  useEffect(() => {
    const was = before.current
    before.current = current
    if (current && was !== current && was?.id === current.id) load(current.id)
  }, [current])
}

function EscapeKey({ onPress }: { onPress: () => void }) {
  useKeys([{ chord: 'Escape', word: t('keys.close'), run: onPress }])
  return null
}

function NothingToRead({ elsewhere, onAll }: { elsewhere: number; onAll: () => void }) {
  return (
    <EmptyState title={t('reading.empty')}>
      <p>{elsewhere > 0 ? t('reading.empty-else', { n: elsewhere }) : t('reading.empty-all')}</p>
      {elsewhere > 0 ? (
        <Button look="quiet" onClick={onAll}>
          {t('reading.show-all')}
        </Button>
      ) : null}
    </EmptyState>
  )
}
