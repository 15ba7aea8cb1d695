/** Is it complete, by what evidence, and may it go to reading? */
import './quality-check.css'
import { useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { viewerAddress } from '#app/server/launches.ts'
import { answer } from '#app/server/refusal.ts'
import { acceptIncomplete, acceptQuality, rejectQuality } from '#db/mutations/quality.ts'
import { claim, release } from '#db/mutations/work-items.ts'
import { type QualityStudy, qualityStudy } from '#db/queries/quality-check.ts'
import { orderIdentity } from '#db/queries/reading-room.ts'
import { worklist } from '#db/queries/worklists.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { rejectReasons } from '../../quality/reject-reasons.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, count } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { IdentityBanner } from '../../ui/identity-banner.tsx'
import { EmptyState, ErrorLine } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { type Reason, ReasonPicker, ReasonWords } from '../../ui/reason-picker.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { type ListedCase, listedCases } from '../../worklist/listed-case.ts'
import { type Column, WorklistTable } from '../../worklist/worklist-table.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('quality-check'))
  const { person, server } = signedIn
  const { department } = server
  const { rows } = await worklist(department.sql, person.actor, ['quality', 'complete'], {
    now: await department.now(),
  })
  const cases = listedCases(rows, { userId: person.id, machineNow: new Date() })
  const asked = args.params.itemId ?? cases[0]?.id
  return { cases, selected: asked ? await selectedStudy(signedIn, asked) : null }
}

async function selectedStudy(signedIn: SignedIn, itemId: string) {
  const { person, server } = signedIn
  const { sql } = server.department
  const study = await qualityStudy(sql, itemId)
  if (!study || !(person.sites.includes('*') || person.sites.includes(study.siteId))) return null
  const identity = await orderIdentity(sql, study.orderId)
  if (!identity) return null
  const studies = study.visible > 0 ? [study.studyUid] : []
  return {
    study,
    identity,
    viewer: await viewerAddress(signedIn, { orderId: study.orderId, purpose: 'quality', studies }),
  }
}

export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args, ['technologist'])
  const { department } = server
  const form = await args.request.formData()
  const itemId = String(form.get('itemId') ?? '')
  const intent = String(form.get('intent'))
  return answer(async () => {
    // Judged under a claim of its own, so that two technologists never judge the same study.
    const { fence } = await claim(department, await act(), { itemId })
    try {
      if (intent === 'accept') await acceptQuality(department, await act(), { itemId, fence })
      else if (intent === 'accept-incomplete') {
        await acceptIncomplete(department, await act(), {
          itemId,
          fence,
          reason: String(form.get('reason') ?? ''),
        })
      } else if (intent === 'reject') {
        await rejectQuality(department, await act(), {
          itemId,
          fence,
          reasonCodes: form.getAll('reasonCode').map(String),
          words: String(form.get('words') ?? '') || undefined,
          instances: form.getAll('instance').map(String),
          repeated: form.get('repeated') === 'yes',
        })
      } else throw data(null, { status: 400 })
    } catch (error) {
      await release(department, await act(), { itemId, fence }).catch(() => {}) // the refusal itself is what matters
      throw error
    }
    return {}
  })
}

export function meta() {
  return [{ title: `${t('nav.quality-check')} · ${t('app.name')}` }]
}

export default function QualityCheck() {
  const { cases, selected } = useLoaderData<typeof loader>()
  useLive([
    'list:quality',
    'list:complete',
    'images.arrived',
    'completeness.decided',
    'quality.accepted',
    'quality.rejected',
  ])
  const navigate = useNavigate()
  const choose = (id: string) =>
    void navigate(`/quality-check/${id}`, { replace: true, preventScrollReset: true })
  const acting = useFetcher<typeof action>()
  const [isRejecting, setRejecting] = useState(false)
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && !acting.data.ok ? acting.data.sentence : null
  const study = selected?.study
  const isOpen = cases.some(({ id }) => id === study?.itemId)

  function accept(): void {
    if (!study || !isOpen) return
    if (study.kind === 'complete') setRejecting(false)
    else act({ intent: 'accept' })
  }
  function act(fields: Record<string, string | string[]>): void {
    if (!study) return
    const form = new URLSearchParams({ itemId: study.itemId })
    for (const [name, value] of Object.entries(fields)) {
      for (const each of Array.isArray(value) ? value : [value]) form.append(name, each)
    }
    const next =
      cases[cases.findIndex(({ id }) => id === study.itemId) + 1] ??
      cases.find(({ id }) => id !== study.itemId)
    setRejecting(false)
    void acting.submit(form, { method: 'post', action: '/quality-check' }).then(() => next && choose(next.id))
  }

  return (
    <Screen
      label={t('nav.quality-check')}
      className="quality-check"
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        { chord: 'Alt+Enter', word: t('quality.accept'), run: accept, disabled: !study || !isOpen || isBusy },
        {
          chord: 'Alt+X',
          word: t('quality.reject'),
          run: () => setRejecting(!isRejecting),
          disabled: !study || !isOpen,
        },
        {
          chord: 'Alt+L',
          word: t('reading.timeline'),
          run: () => study && void navigate(`/orders/${study.orderId}`),
        },
      ]}
    >
      <section className="panel quality-list">
        <header>
          <h1 className="strong">{t('quality.to-check')}</h1>
          <span className="text-3">{cases.length}</span>
        </header>
        <WorklistTable
          name="quality"
          label={t('nav.quality-check')}
          rows={cases}
          columns={LIST_COLUMNS}
          rowHeight={48}
          cursorId={study?.itemId ?? null}
          onCursor={choose}
          onOpen={({ id }) => choose(id)}
          empty={<EmptyState title={t('quality.empty')}>{t('quality.empty-why')}</EmptyState>}
        />
        {study ? <Asked study={study} /> : null}
      </section>
      <section className="quality-images">
        {selected ? (
          <>
            <IdentityBanner identity={selected.identity} />
            <div className="viewer-frame">
              {selected.viewer ? (
                <iframe key={selected.viewer} src={selected.viewer} title={t('room.images')} />
              ) : (
                <p className="text-3">{t('room.no-images')}</p>
              )}
            </div>
          </>
        ) : (
          <EmptyState title={t('quality.empty')}>{t('quality.empty-why')}</EmptyState>
        )}
      </section>
      <section className="panel quality-decision" aria-label={t('quality.complete')}>
        {study ? (
          <>
            <Evidence study={study} />
            {refused ? <ErrorLine>{refused}</ErrorLine> : null}
            {!isOpen ? <p className="body text-2">{t('room.done')}</p> : null}
            {isRejecting ? (
              <Reject key={study.itemId} study={study} busy={isBusy} onReject={act} />
            ) : study.kind === 'complete' && isOpen ? (
              <ReasonPicker
                label={t('quality.accept-incomplete')}
                reasons={INCOMPLETE_REASONS}
                chosen={null}
                onChoose={(reason) => act({ intent: 'accept-incomplete', reason })}
              />
            ) : (
              <div />
            )}
            {isOpen ? (
              <footer className="body stack">
                {study.kind === 'quality' ? (
                  <Button look="primary" size="big" wide chord="Alt+Enter" busy={isBusy} onClick={accept}>
                    {t('quality.accept-count', { n: study.visible })}
                  </Button>
                ) : null}
                <Button
                  look="bad"
                  wide
                  chord="Alt+X"
                  busy={isBusy}
                  onClick={() => setRejecting(!isRejecting)}
                >
                  {t('quality.reject')}
                </Button>
              </footer>
            ) : null}
          </>
        ) : null}
      </section>
    </Screen>
  )
}

const INCOMPLETE_REASONS: Reason[] = [
  'patient-left',
  'enough-to-read',
  'scanner-lost-images',
  'named-by-mistake',
].map((code) => ({
  code,
  word: t(`quality.incomplete.${code}` as Parameters<typeof t>[0]),
}))

const LIST_COLUMNS: Column<ListedCase>[] = [
  {
    key: 'case',
    head: t('column.patient'),
    width: 'minmax(0, 1fr)',
    cell: (row) => (
      <span className="quality-case">
        <PatientName name={row.name} />
        <span className="small text-2">{row.procedure}</span>
      </span>
    ),
    words: (row) => row.procedure,
  },
  {
    key: 'time-left',
    head: t('column.time-left'),
    width: '96px',
    align: 'right',
    cell: (row) => <TimeLeft allowance={{ dueAt: row.dueAt, from: row.dueFrom, lateAt: row.lateAt }} />,
  },
]

function Asked({ study }: { study: QualityStudy }) {
  const zone = useZone()
  return (
    <dl className="pairs body small">
      <dt>{t('quality.reason')}</dt>
      <dd>{study.reason || t('app.none')}</dd>
      <dt>{t('quality.asked-by')}</dt>
      <dd>{study.requester || t('app.none')}</dd>
      <dt>{t('quality.room')}</dt>
      <dd>{study.room ?? t('app.none')}</dd>
      <dt>{t('quality.exam')}</dt>
      <dd>{study.begunAt ? clockTime(study.begunAt, zone) : t('app.none')}</dd>
    </dl>
  )
}

type Mark = 'yes' | 'no' | 'none'

function Evidence({ study }: { study: QualityStudy }) {
  const zone = useZone()
  const at = (when: Date | null) => (when ? clockTime(when, zone, { seconds: true }) : '')
  const lines: [Mark, string][] = [
    study.stepClosedAt
      ? ['yes', t('evidence.closed', { time: at(study.stepClosedAt) })]
      : ['none', t('evidence.not-closed')],
    study.named === 0
      ? ['none', t('evidence.named-none')]
      : study.missing > 0
        ? ['no', t('evidence.missing', { named: study.named, stored: study.namedStored })]
        : ['yes', t('evidence.named', { n: study.named, named: study.named })],
    study.commitment ? ['yes', t('evidence.commitment')] : ['none', t('evidence.no-commitment')],
    study.endExamAt
      ? ['yes', t('evidence.ended', { time: at(study.endExamAt) })]
      : ['none', t('evidence.not-ended')],
    ['yes', t('evidence.stored', { images: study.visible, series: study.series })],
  ]
  const tone = { complete: 'ok', inferred: '', waiting: 'risk', incomplete: 'late' }[study.verdict]
  return (
    <>
      <header>
        <h2>{t('quality.complete')}</h2>
        <span className={`tag ${tone} push`}>
          <Glyph
            name={study.verdict === 'complete' ? 'check' : study.verdict === 'inferred' ? 'inferred' : 'look'}
          />
          {t(`verdict.${study.verdict}`)}
        </span>
      </header>
      <ul className="body checks">
        {lines.map(([mark, words]) => (
          <li key={words} className={mark === 'no' ? 'risk' : mark === 'none' ? 'text-3' : ''}>
            <span className={mark === 'yes' ? 'ok' : ''}>
              <Glyph name={mark === 'yes' ? 'check' : mark === 'no' ? 'look' : 'dash'} />
            </span>{' '}
            {words}
          </li>
        ))}
      </ul>
    </>
  )
}

interface RejectProps {
  study: QualityStudy
  busy: boolean
  onReject: (fields: Record<string, string | string[]>) => void
}

/** First why (two levels), then which images (none chosen: the whole exam), then whether it is repeated. */
function Reject({ study, busy, onReject }: RejectProps) {
  const tree = rejectReasons()
  const [first, setFirst] = useState<Reason | null>(null)
  const [leaf, setLeaf] = useState<string | null>(null)
  const [words, setWords] = useState('')
  const [images, setImages] = useState<string[]>([])
  const isChosen = first !== null && (leaf !== null || (first.reasons ?? []).length === 0)
  const needsWords = first?.code === 'other' && words.trim() === ''
  const visible = study.images.filter(({ rejected }) => !rejected)
  const blocked = !isChosen ? t('quality.choose-reason') : needsWords ? t('quality.needs-words') : null
  const reject = (repeated: 'yes' | 'no') =>
    !blocked &&
    onReject({
      intent: 'reject',
      reasonCode: [first?.code ?? '', ...(leaf ? [leaf] : [])],
      words,
      instance: images,
      repeated,
    })
  return (
    <div className="quality-reject">
      <div className="reject-tree">
        <ReasonPicker
          label={t('quality.why')}
          reasons={tree}
          chosen={first?.code ?? null}
          takesFocus
          onChoose={(code) => {
            setFirst(tree.find((reason) => reason.code === code) ?? null)
            setLeaf(null)
          }}
        />
        {first?.reasons?.length ? (
          <ReasonPicker
            key={first.code}
            label={first.word}
            reasons={first.reasons}
            chosen={leaf}
            takesFocus
            onChoose={setLeaf}
          />
        ) : (
          <div />
        )}
      </div>
      <fieldset className="body image-choice">
        <legend className="label">
          {images.length
            ? t('quality.images-chosen', { n: images.length })
            : t('quality.whole-exam', { n: visible.length })}
        </legend>
        {visible.map((image, index) => (
          <button
            key={image.uid}
            type="button"
            className="chip"
            aria-pressed={images.includes(image.uid)}
            title={`${image.modality} ${image.series}`}
            onClick={() =>
              setImages(
                images.includes(image.uid)
                  ? images.filter((uid) => uid !== image.uid)
                  : [...images, image.uid],
              )
            }
          >
            {count(image.number ?? index + 1)}
          </button>
        ))}
      </fieldset>
      <div className="body stack">
        <ReasonWords value={words} required={first?.code === 'other'} onChange={setWords} />
        <div className="row">
          <Button look="bad" busy={busy} blocked={blocked} onClick={() => reject('yes')}>
            {t('quality.reject-repeat')}
          </Button>
          <Button look="bad" busy={busy} blocked={blocked} onClick={() => reject('no')}>
            {t('quality.reject-keep')}
          </Button>
        </div>
        <p className="button-reason">{blocked ?? t('quality.hidden-from-readers')}</p>
      </div>
    </div>
  )
}
