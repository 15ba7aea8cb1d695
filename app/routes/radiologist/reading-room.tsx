/** Right patient, what changed since the prior, what stops me signing? Images beside the report. */
import './reading-room.css'
import { useEffect, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  redirect,
  type ShouldRevalidateFunctionArgs,
  useFetcher,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { claimNext } from '#app/server/claim-next.ts'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { viewerAddress } from '#app/server/launches.ts'
import { answer } from '#app/server/refusal.ts'
import type { TransactionSql } from '#db/client.ts'
import {
  issuePreliminary,
  openReport,
  recallReport,
  reportChecks,
  saveDraft,
  signReport,
} from '#db/mutations/reports.ts'
import { reauthenticate } from '#db/mutations/sessions.ts'
import { claim, skip, takeOver } from '#db/mutations/work-items.ts'
import { readingRoom, recallableVersions } from '#db/queries/reading-room.ts'
import { RadiologyError } from '#domain/errors.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { normalText } from '../../reporting/normal-text.ts'
import { RecallBars } from '../../reporting/recall-bars.tsx'
import { SectionEditor } from '../../reporting/section-editor.tsx'
import { filled, type Section, wholeReport } from '../../reporting/sections.ts'
import { useDraft } from '../../reporting/use-draft.ts'
import { useLease } from '../../reporting/use-lease.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { ageOfPrior, calendarDate, clockTime } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { IdentityBanner } from '../../ui/identity-banner.tsx'
import { ErrorLine } from '../../ui/messages.tsx'
import { type Reason, ReasonPicker } from '../../ui/reason-picker.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('reading'))
  const { person, server, act } = signedIn
  const { department } = server
  const itemId = args.params.itemId ?? ''
  const found = await readingRoom(department.sql, itemId)
  if (!found || !maySee(signedIn, found.order.siteId)) throw data(null, { status: 404 })
  const isMine = found.item.holder?.id === person.id && found.item.state === 'claimed'
  // The report is made with the first opening by its holder; made twice it is the same one.
  if (isMine && !found.report) await openReport(department, await act(), { itemId })
  const room = isMine && !found.report ? ((await readingRoom(department.sql, itemId)) ?? found) : found
  const studies = room.studies.filter(({ images }) => images > 0)
  const sections = wholeReport(room.report?.draft?.sections ?? room.report?.versions[0]?.sections ?? [])
  return {
    room,
    sections,
    isMine,
    isViewOnly: !isMine,
    mayFinal: person.roles.includes('radiologist'),
    images: studies.reduce((sum, study) => sum + study.images, 0),
    viewer: await viewerAddress(signedIn, {
      orderId: room.order.id,
      purpose: isMine ? 'read' : 'view',
      studies: studies.map(({ uid }) => uid),
    }),
    checks: room.report ? await checksOf(signedIn, room.report.id, sections) : [],
    recallable: await recallableVersions(department.sql, person.id, await department.now()),
  }
}

function maySee({ person }: SignedIn, siteId: string): boolean {
  return person.sites.includes('*') || person.sites.includes(siteId)
}

async function checksOf({ server }: SignedIn, reportId: string, sections: Section[]) {
  return server.department.sql.begin((sql) =>
    reportChecks({ sql: sql as TransactionSql }, reportId, { sections }),
  )
}

export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, ['radiologist', 'resident'])
  const { person, server, act } = signedIn
  const { department } = server
  const form = await args.request.formData()
  const itemId = args.params.itemId ?? ''
  const text = (name: string) => String(form.get(name) ?? '')
  const held = { itemId, fence: Number(form.get('fence')), reportId: text('reportId') }
  const content = () => ({ sections: readSections(text('sections')) })

  switch (text('intent')) {
    case 'save':
      return answer(async () => {
        const { savedAt } = await saveDraft(department, await act(), { ...held, content: content() })
        return { savedAt: savedAt.toISOString() }
      })
    case 'preliminary': {
      const answered = await answer(async () =>
        issuePreliminary(department, await act(), { ...held, content: content() }),
      )
      return answered.ok ? onward(signedIn, itemId) : answered
    }
    case 'sign': {
      const answered = await answer(async () => {
        const reauthenticated = await reauthenticate(department, {
          userId: person.id,
          password: text('password'),
        })
        if (!reauthenticated) throw new RadiologyError('reauthentication-required', { itemId })
        return signReport(department, await act(), { ...held, content: content(), reauthenticated })
      })
      return answered.ok ? onward(signedIn, itemId) : answered
    }
    case 'skip': {
      const answered = await answer(async () => {
        await skip(department, await act(), { itemId, fence: held.fence, reason: text('reason') })
        return {}
      })
      return answered.ok ? onward(signedIn, itemId) : answered
    }
    case 'next':
      return onward(signedIn, itemId)
    case 'claim':
      return answer(async () => claim(department, await act(), { itemId }))
    case 'take-over':
      return answer(async () =>
        takeOver(department, await act(), { itemId, fenceSeen: held.fence, reason: text('reason') }),
      )
    case 'recall':
      return answer(async () => {
        await recallReport(department, await act(), {
          reportId: held.reportId,
          version: Number(form.get('version')),
        })
        return {}
      })
    default:
      throw data(null, { status: 400 })
  }
}

/** The next free case, in place; with nothing left, the list. */
async function onward(signedIn: SignedIn, itemId: string) {
  const next = await claimNext(signedIn, itemId)
  return redirect(next ? `/reading/${next}` : '/reading')
}

function readSections(json: string): Section[] {
  const parsed: unknown = JSON.parse(json || '[]')
  if (!Array.isArray(parsed)) throw data(null, { status: 400 })
  return parsed.map((section: { key?: unknown; text?: unknown }) => {
    if (typeof section.key !== 'string' || typeof section.text !== 'string') throw data(null, { status: 400 })
    return { key: section.key, text: section.text }
  })
}

// A draft is saved every few seconds: loading the page again after each would be for nothing.
export function shouldRevalidate({ formData, defaultShouldRevalidate }: ShouldRevalidateFunctionArgs) {
  return formData?.get('intent') === 'save' ? false : defaultShouldRevalidate
}

// No name in the title of a window: it stands in task bars and screen sharing.
export function meta({
  loaderData,
}: {
  loaderData?: { room: { order: { accession: string; phase: string } } }
}) {
  const order = loaderData?.room.order
  return [{ title: order ? `${order.accession} · ${order.phase}` : t('reading.title') }]
}

export default function ReadingRoomPage() {
  const { room } = useLoaderData<typeof loader>()
  // Another case in the same place is another room: nothing of the last one may stay in its fields.
  return <Room key={`${room.item.id} ${room.report?.id ?? ''}`} />
}

const SKIP_REASONS: Reason[] = ['other-area', 'prior-missing', 'images-poor', 'too-complex', 'other'].map(
  (code) => ({
    code,
    word: wordFor('skip', code),
    consequence: code === 'other-area' ? t('skip.other-area-consequence') : undefined,
  }),
)
const TAKE_OVER_REASONS: Reason[] = ['asked', 'absent', 'urgent', 'other'].map((code) => ({
  code,
  word: wordFor('take-over', code),
}))

type Panel = 'none' | 'skip' | 'take-over'

function Room() {
  const {
    room,
    sections: initial,
    isMine,
    mayFinal,
    images,
    viewer,
    checks,
    recallable,
  } = useLoaderData<typeof loader>()
  const { item, order, report } = room
  useLive([`order:${order.id}`])
  const navigate = useNavigate()
  const acting = useFetcher<typeof action>()
  const draft = useDraft(initial, {
    itemId: item.id,
    fence: item.fence,
    reportId: isMine ? (report?.id ?? null) : null,
    savedAt: report?.draft?.savedAt.toISOString() ?? null,
  })
  const lease = useLease({ itemId: item.id, fence: item.fence, held: isMine })
  const [password, setPassword] = useState('')
  const [panel, setPanel] = useState<Panel>('none')
  const passwordField = useRef<HTMLInputElement>(null)
  const frame = useRef<HTMLIFrameElement>(null)
  const seen = useImagesSeen(frame)
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && 'sentence' in acting.data ? acting.data.sentence : null
  const isLost = lease.lost !== null || draft.lost === 'stale-fence' || draft.lost === 'lease-expired'
  const mayWrite = isMine && !isLost
  const isWritten = (key: string) =>
    draft.sections.some((section) => section.key === key && section.text.trim() !== '')
  const shownChecks = checks.map((check) =>
    check.id === 'sections'
      ? {
          ...check,
          state: isWritten('findings') && isWritten('impression') ? ('ok' as const) : ('blocks' as const),
        }
      : check,
  )
  const blocking = shownChecks.filter(({ state }) => state === 'blocks').length
  const looking = shownChecks.filter(({ state }) => state === 'look').length

  function submit(intent: string, more: Record<string, string> = {}): void {
    void acting.submit(
      {
        intent,
        fence: String(item.fence),
        reportId: report?.id ?? '',
        sections: JSON.stringify(draft.sections),
        ...more,
      },
      { method: 'post', action: `/reading/${item.id}` },
    )
  }
  function sign(): void {
    if (!mayWrite || blocking > 0) return
    if (password === '') passwordField.current?.focus()
    else submit('sign', { password })
  }
  useEffect(() => {
    if (refused) setPassword('')
  }, [refused])
  const back = () => void navigate(`/reading`)
  const signBlocked = !mayWrite
    ? t('room.not-yours')
    : !mayFinal
      ? t('room.resident')
      : blocking > 0
        ? t('room.blocked', { n: blocking })
        : null

  return (
    <Screen
      label={t('room.title')}
      className="reading-room"
      fact={lease.renewedAt && mayWrite ? <LeaseFact at={lease.renewedAt} /> : null}
      keys={[
        { chord: 'F2', word: t('room.swap'), run: () => swapFocus(frame.current) },
        {
          chord: 'Alt+U',
          word: t('room.normal'),
          run: () => draft.setSections(filled(draft.sections, normalText(order))),
          disabled: !mayWrite,
        },
        { chord: 'Alt+Enter', word: t('room.sign'), run: sign, disabled: signBlocked !== null },
        {
          chord: 'Alt+P',
          word: t('room.preliminary'),
          run: () => submit('preliminary'),
          disabled: !mayWrite || !isWritten('impression'),
        },
        {
          chord: 'Alt+X',
          word: t('room.skip'),
          run: () => setPanel(panel === 'skip' ? 'none' : 'skip'),
          disabled: !mayWrite,
        },
        { chord: 'Alt+N', word: t('reading.next-case'), run: () => submit('next') },
        { chord: 'Alt+W', word: t('room.back'), run: back },
        { chord: 'Alt+L', word: t('reading.timeline'), run: () => void navigate(`/orders/${order.id}`) },
      ]}
    >
      <IdentityBanner identity={order}>
        <TimeLeft
          words="left"
          allowance={{ dueAt: iso(item.dueAt), from: iso(item.dueFrom), lateAt: iso(item.lateAt) }}
        />
        <HolderTag isMine={mayWrite} holder={item.holder} />
      </IdentityBanner>
      <div className="reading-room-body">
        <div className="viewer-frame">
          {viewer ? (
            <iframe ref={frame} key={viewer} src={viewer} title={t('room.images')} />
          ) : (
            <p className="text-3">{t('room.no-images')}</p>
          )}
        </div>
        <section className="report-panel" aria-label={t('room.report')}>
          <header>
            <h2 className="strong">{t('room.report')}</h2>
            <ReportTag
              state={report?.state ?? null}
              isSaved={draft.isSaved}
              savedAt={draft.savedAt}
              mayWrite={mayWrite}
            />
          </header>
          <div className="report-scroll">
            <section className="report-section">
              <h3 className="label">{t('section.question')}</h3>
              <p className="report-text text-2">{room.reason ?? t('app.none')}</p>
              {room.requester?.family ? (
                <p className="small text-3">{t('room.asked-by', { name: requesterName(room.requester) })}</p>
              ) : null}
            </section>
            {draft.sections.map(({ key, text }) => (
              <SectionEditor
                key={key}
                sectionKey={key}
                label={wordFor('section', key)}
                text={text}
                readOnly={!mayWrite}
                onChange={(words) => draft.write(key, words)}
                onLeave={draft.save}
              />
            ))}
          </div>
        </section>
        <aside className="reading-side" aria-label={t('room.side')}>
          {isLost ? (
            <ClaimLost
              sentence={lease.lost?.sentence ?? t('refusal.stale-fence')}
              onNext={() => submit('next')}
              onBack={back}
            />
          ) : null}
          <Priors priors={room.priors} />
          <section className="signing" aria-label={t('room.before-signing')}>
            <header>
              <h2 className="strong">{t('room.before-signing')}</h2>
              <span className="small push">
                {blocking ? <span className="late">{t('room.blocks', { n: blocking })}</span> : null}
                {looking ? <span className="risk"> {t('room.looks', { n: looking })}</span> : null}
              </span>
            </header>
            <ul className="checks">
              {shownChecks.map((check) => (
                <Check key={check.id} {...check} />
              ))}
              {viewer ? <ImagesSeen seen={seen} images={images} /> : null}
            </ul>
            {refused ? <ErrorLine>{refused}</ErrorLine> : null}
            <RecallBars versions={recallable} />
            {panel === 'skip' ? (
              <ReasonPicker
                label={t('room.skip')}
                reasons={SKIP_REASONS}
                chosen={null}
                takesFocus
                onChoose={(reason) => submit('skip', { reason })}
              />
            ) : null}
            {panel === 'take-over' ? (
              <ReasonPicker
                label={t('room.take-over')}
                reasons={TAKE_OVER_REASONS}
                chosen={null}
                takesFocus
                onChoose={(reason) => {
                  setPanel('none')
                  submit('take-over', { reason })
                }}
              />
            ) : null}
            {mayWrite ? (
              <form
                className="stack"
                onSubmit={(event) => {
                  event.preventDefault()
                  sign()
                }}
              >
                {mayFinal ? (
                  <label className="field">
                    <span className="label">{t('room.password')}</span>
                    <input
                      ref={passwordField}
                      className="input"
                      type="password"
                      autoComplete="current-password"
                      value={password}
                      onChange={(event) => setPassword(event.target.value)}
                    />
                  </label>
                ) : null}
                <Button
                  type="submit"
                  look="primary"
                  size="big"
                  wide
                  chord="Alt+Enter"
                  busy={isBusy}
                  blocked={signBlocked}
                >
                  {t('room.sign')}
                </Button>
                <div className="row">
                  <Button
                    wide
                    chord="Alt+P"
                    busy={isBusy}
                    blocked={!isWritten('impression') && t('room.needs-impression')}
                    onClick={() => submit('preliminary')}
                  >
                    {t('room.preliminary')}
                  </Button>
                  <Button wide chord="Alt+X" onClick={() => setPanel(panel === 'skip' ? 'none' : 'skip')}>
                    {t('room.skip')}
                  </Button>
                </div>
              </form>
            ) : (
              <NotMine
                holder={item.holder?.name ?? null}
                state={item.state}
                onClaim={() => submit('claim')}
                onTakeOver={() => setPanel('take-over')}
                isBusy={isBusy}
              />
            )}
          </section>
        </aside>
      </div>
    </Screen>
  )
}

function NotMine({
  holder,
  state,
  onClaim,
  onTakeOver,
  isBusy,
}: {
  holder: string | null
  state: string
  onClaim: () => void
  onTakeOver: () => void
  isBusy: boolean
}) {
  if (state === 'completed' || state === 'cancelled') return <p className="text-2">{t('room.done')}</p>
  if (holder === null) {
    return (
      <Button look="primary" size="big" wide busy={isBusy} onClick={onClaim}>
        {t('room.claim')}
      </Button>
    )
  }
  return (
    <div className="stack">
      <p className="text-2">{t('room.held-by', { name: holder })}</p>
      <Button wide busy={isBusy} onClick={onTakeOver}>
        {t('room.take-over')}
      </Button>
    </div>
  )
}

function ClaimLost({
  sentence,
  onNext,
  onBack,
}: {
  sentence: string
  onNext: () => void
  onBack: () => void
}) {
  return (
    <section className="claim-lost" role="alert">
      <p className="strong">
        <Glyph name="lock" /> {t('room.claim-lost')}
      </p>
      <p className="small text-2">{sentence}</p>
      <div className="row">
        <Button look="primary" chord="Alt+N" onClick={onNext}>
          {t('reading.next-case')}
        </Button>
        <Button chord="Alt+W" onClick={onBack}>
          {t('room.back')}
        </Button>
      </div>
    </section>
  )
}

function HolderTag({ isMine, holder }: { isMine: boolean; holder: { name: string } | null }) {
  if (isMine) {
    return (
      <span className="tag you">
        <Glyph name="lock" /> {t('room.yours')}
      </span>
    )
  }
  return <span className="tag">{holder ? holder.name : t('reading.view-only')}</span>
}

function ReportTag({
  state,
  isSaved,
  savedAt,
  mayWrite,
}: {
  state: string | null
  isSaved: boolean
  savedAt: string | null
  mayWrite: boolean
}) {
  const zone = useZone()
  if (!mayWrite)
    return <span className="tag">{state ? wordFor('report-state', state) : t('report-state.none')}</span>
  const time = savedAt ? clockTime(new Date(savedAt), zone, { seconds: true }) : null
  return (
    <span className="tag" role="status">
      {!isSaved ? t('room.unsaved') : time ? t('room.saved', { time }) : t('report-state.DRAFT')}
    </span>
  )
}

function Check({ id, state }: { id: string; state: 'ok' | 'look' | 'blocks' }) {
  const tone = { ok: 'ok', look: 'risk', blocks: 'late' }[state]
  return (
    <li className={state === 'ok' ? '' : tone}>
      <span className={tone}>
        <Glyph name={state === 'ok' ? 'check' : state === 'look' ? 'look' : 'cross'} />
      </span>{' '}
      {wordFor(`check.${id}`, state)}
    </li>
  )
}

function ImagesSeen({ seen, images }: { seen: { displayed: number; failed: boolean }; images: number }) {
  const all = seen.displayed >= images && images > 0
  return (
    <li className={seen.failed ? 'risk' : all ? '' : 'text-2'}>
      <span className={seen.failed ? 'risk' : all ? 'ok' : 'text-3'}>
        <Glyph name={seen.failed ? 'look' : all ? 'check' : 'dash'} />
      </span>{' '}
      {t('room.images-seen', { displayed: seen.displayed, images })}
    </li>
  )
}

function Priors({
  priors,
}: {
  priors: { uid: string; date: string; modalities: string[]; description: string; orderId: string | null }[]
}) {
  const now = useDepartmentNow()
  return (
    <section className="priors">
      <header>
        <h2 className="strong">{t('room.priors')}</h2>
        <span className="small text-3 push">{t('room.same-patient')}</span>
      </header>
      {priors.length === 0 ? <p className="text-3">{t('room.no-priors')}</p> : null}
      <ul>
        {priors.map((prior) => {
          const day = prior.date.replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3')
          return (
            <li key={prior.uid}>
              <b className="strong">{prior.modalities.join(' ')}</b> {prior.description}{' '}
              <span className="text-2">
                {calendarDate(day)}
                {day.length === 10 ? ` · ${ageOfPrior(new Date(`${day}T12:00:00Z`), now)}` : ''}
              </span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function LeaseFact({ at }: { at: string }) {
  return <span>{t('room.lease', { time: clockTime(new Date(at), useZone(), { seconds: true }) })}</span>
}

/** What the viewer says it has drawn. */
function useImagesSeen(frame: { current: HTMLIFrameElement | null }): { displayed: number; failed: boolean } {
  const [seen, setSeen] = useState({ displayed: 0, failed: false })
  useEffect(() => {
    function hear({ origin, source, data: said }: MessageEvent): void {
      if (origin !== location.origin || source !== frame.current?.contentWindow) return
      if (said?.from !== 'isocenter-viewer') return
      if (said.type === 'images') setSeen((before) => ({ ...before, displayed: Number(said.displayed) || 0 }))
      if (said.type === 'failed') setSeen((before) => ({ ...before, failed: true }))
    }
    addEventListener('message', hear)
    return () => removeEventListener('message', hear)
  }, [frame])
  return seen
}

/** F2: from the words to the images and back. */
function swapFocus(frame: HTMLIFrameElement | null): void {
  if (frame && document.activeElement !== frame) {
    frame.focus()
    frame.contentWindow?.postMessage({ to: 'isocenter-viewer', type: 'focus' }, location.origin)
    return
  }
  const editors = [...document.querySelectorAll<HTMLElement>('.report-text[data-section]')]
  const empty = editors.find(
    (editor) => editor.dataset.section !== 'technique' && editor.textContent?.trim() === '',
  )
  ;(empty ?? editors.find((editor) => editor.dataset.section === 'findings'))?.focus()
}

function requesterName({
  prefix,
  given,
  family,
}: {
  family?: string
  given?: string
  prefix?: string
}): string {
  return [prefix, given, family].filter(Boolean).join(' ')
}

const iso = (at: Date | null) => at?.toISOString() ?? null
