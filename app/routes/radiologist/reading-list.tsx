/** What next, how long have I, why is it mine, who has the others? */
import { useCallback, useEffect, useState } from 'react'
import {
  type ActionFunctionArgs,
  type LoaderFunctionArgs,
  redirect,
  useFetcher,
  useLoaderData,
  useNavigate,
  useSearchParams,
} from 'react-router'
import { claimNext, READING_KINDS } from '#app/server/claim-next.ts'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { claim } from '#db/mutations/work-items.ts'
import { worklist } from '#db/queries/worklists.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { listCount } from '../../ui/format.ts'
import { EmptyState, ErrorLine } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'
import { caseColumns } from '../../worklist/case-columns.tsx'
import { CaseDetail } from '../../worklist/case-detail.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { type ListedCase, listedCases } from '../../worklist/listed-case.ts'
import { WorklistTable } from '../../worklist/worklist-table.tsx'

const VIEWS = ['all', 'mine', 'stat', 'late'] as const
type View = (typeof VIEWS)[number]

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('reading'))
  const { department } = server
  const { rows } = await worklist(department.sql, person.actor, READING_KINDS, {
    now: await department.now(),
  })
  return {
    cases: listedCases(rows, { userId: person.id, machineNow: new Date() }),
    mayClaim: person.roles.some((role) => role === 'radiologist' || role === 'resident'),
  }
}

export async function action(args: ActionFunctionArgs) {
  const { person, server, act } = await requireUser(args, ['radiologist', 'resident'])
  const form = await args.request.formData()
  if (form.get('intent') === 'next') {
    const itemId = await claimNext({ person, server, act })
    return itemId
      ? redirect(`/reading/${itemId}`)
      : { ok: false as const, code: 'none-free', sentence: t('reading.none-free') }
  }
  const itemId = String(form.get('itemId') ?? '')
  const answered = await answer(async () => claim(server.department, await act(), { itemId }))
  return answered.ok ? redirect(`/reading/${itemId}`) : answered
}

export function meta() {
  return [{ title: `${t('reading.title')} · ${t('app.name')}` }]
}

const columns = caseColumns(
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

export default function ReadingList() {
  const { cases, mayClaim } = useLoaderData<typeof loader>()
  useLive([
    'list:read',
    'list:sent-back',
    'list:sign',
    'images.arrived',
    'completeness.decided',
    'report.signed',
  ])
  const [view, setView] = useView()
  const shown = cases.filter((row) => fits(row, view))
  const [cursorId, setCursor] = useKeptCursor(`reading:${view}`, shown)
  const current = shown.find(({ id }) => id === cursorId) ?? shown[0]
  const [hasDetail, setDetail] = useState(true)
  const claiming = useFetcher<typeof action>()
  const navigate = useNavigate()
  const isBusy = claiming.state !== 'idle'
  const refused = claiming.data && 'sentence' in claiming.data && !isBusy ? claiming.data.sentence : null

  const open = useCallback(
    (row: ListedCase | undefined) => {
      if (!row) return
      if (!mayClaim) return void navigate(`/orders/${row.orderId}`)
      if (row.isMine) return void navigate(`/reading/${row.id}`)
      if (!row.isTaken) void claiming.submit({ itemId: row.id }, { method: 'post', action: '/reading' })
    },
    [claiming, mayClaim, navigate],
  )
  const next = () => void claiming.submit({ intent: 'next' }, { method: 'post', action: '/reading' })
  const viewOnly = (row: ListedCase | undefined) => row && void navigate(`/reading/${row.id}?view=only`)
  const timeline = (row: ListedCase | undefined) => row && void navigate(`/orders/${row.orderId}`)
  const step = (by: number) =>
    setView(VIEWS[(VIEWS.indexOf(view) + by + VIEWS.length) % VIEWS.length] ?? 'all')

  return (
    <Screen
      label={t('reading.title')}
      className="list-screen"
      fact={t('reading.fresh')}
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        { chord: 'Enter', word: t('reading.claim-and-open'), where: 'list' },
        { chord: 'N', word: t('reading.next-case'), where: 'list', run: next, disabled: !mayClaim },
        { chord: 'V', word: t('reading.view-only'), where: 'list', run: () => viewOnly(current) },
        { chord: 'T', word: t('reading.timeline'), where: 'list', run: () => timeline(current) },
        { chord: ' ', word: t('keys.detail'), where: 'list', run: () => setDetail(!hasDetail) },
        { chord: '[', caps: ['[', ']'], word: t('reading.views'), where: 'list', run: () => step(-1) },
        { chord: ']', word: t('reading.views'), where: 'list', run: () => step(1), silent: true },
      ]}
    >
      <h1 className="visually-hidden">{t('reading.title')}</h1>
      <div className="toolbar">
        <div className="tabs">
          {VIEWS.map((each) => (
            <button
              key={each}
              type="button"
              aria-current={each === view ? 'page' : undefined}
              onClick={() => setView(each)}
            >
              <span data-word={t(`reading.${each}`)}>{t(`reading.${each}`)}</span>
              <span
                className={each === 'late' && cases.some((row) => fits(row, 'late')) ? 'count late' : 'count'}
              >
                {listCount(cases.filter((row) => fits(row, each)).length)}
              </span>
            </button>
          ))}
        </div>
        <span className="push text-3">{t('reading.sorted')}</span>
        {mayClaim ? (
          <Button look="primary" chord="N" busy={isBusy} onClick={next}>
            {isBusy ? t('reading.claiming') : t('reading.next-case')}
          </Button>
        ) : null}
      </div>
      <div className="list-line">{refused ? <ErrorLine>{refused}</ErrorLine> : null}</div>
      <div className={hasDetail && current ? 'list-and-detail' : 'list-and-detail list-alone'}>
        <WorklistTable
          name={`reading:${view}`}
          label={t('reading.title')}
          rows={shown}
          columns={columns}
          cursorId={current?.id ?? null}
          onCursor={setCursor}
          onOpen={open}
          empty={<NothingToRead elsewhere={cases.length} onAll={() => setView('all')} />}
        />
        {hasDetail && current ? (
          <CaseDetail row={current}>
            {mayClaim ? (
              <Button
                look="primary"
                size="big"
                wide
                chord="Enter"
                busy={isBusy}
                blocked={current.isTaken && t('refusal.already-claimed')}
                onClick={() => open(current)}
              >
                {t('reading.claim-and-open')}
              </Button>
            ) : null}
            <Button wide chord="V" onClick={() => viewOnly(current)}>
              {t('reading.view-only')}
            </Button>
            <Button wide chord="T" onClick={() => timeline(current)}>
              {t('reading.timeline')}
            </Button>
          </CaseDetail>
        ) : null}
      </div>
    </Screen>
  )
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

function fits(row: ListedCase, view: View): boolean {
  if (view === 'mine') return row.isMine
  if (view === 'stat') return row.isStat
  return view === 'late' ? row.lateAt !== null : true
}

/** The view stands in the address, so that it survives a reload and going back. */
function useView(): [View, (view: View) => void] {
  const [search, setSearch] = useSearchParams()
  const asked = search.get('view')
  const view = VIEWS.find((each) => each === asked) ?? 'all'
  useEffect(() => sessionStorage.setItem('reading:view', view), [view])
  return [
    view,
    (chosen) =>
      setSearch(chosen === 'all' ? {} : { view: chosen }, { replace: true, preventScrollReset: true }),
  ]
}
