/** A report that is out: what does it say, who has it, and what is to be added or put right? */
import './reading-room.css'
import './amendment.css'
import { useCallback, useEffect, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { criticalOf } from '#app/server/critical-view.ts'
import { contentOf, tenureOf } from '#app/server/drafts.ts'
import { requireUser } from '#app/server/guard.ts'
import { viewerAddress } from '#app/server/launches.ts'
import { answer } from '#app/server/refusal.ts'
import { type AmendmentKind, dropAmendment, openAmendment, signAmendment } from '#db/mutations/amendments.ts'
import { recallReport, reportChecks } from '#db/mutations/reports.ts'
import { seeLateImages } from '#db/mutations/seen-late-images.ts'
import { reauthenticate } from '#db/mutations/sessions.ts'
import { amendedReport, type StandingVersion } from '#db/queries/amendment.ts'
import { keptAside } from '#db/queries/kept-aside.ts'
import { answeredBeside } from '#db/queries/reading-group.ts'
import { orderIdentity, recallableVersions } from '#db/queries/reading-room.ts'
import { similarToday } from '#db/queries/similar-people.ts'
import { RadiologyError } from '#domain/errors.ts'
import { can } from '#domain/permissions.ts'
import { useLive } from '../../live/use-live.ts'
import { WrittenElsewhere } from '../../reporting/case-claim.tsx'
import { Checks, checksNow, firstMissing, isWritten } from '../../reporting/checks.tsx'
import { CriticalPanel, useCritical } from '../../reporting/critical-panel.tsx'
import { focusSection } from '../../reporting/focus-section.ts'
import { KeptAsideWords } from '../../reporting/kept-aside.tsx'
import { PasswordField } from '../../reporting/password-field.tsx'
import { identityOfAll } from '../../reporting/read-together.tsx'
import { RecallBars } from '../../reporting/recall-bars.tsx'
import { ReportTag } from '../../reporting/report-tag.tsx'
import { SectionEditor } from '../../reporting/section-editor.tsx'
import { AMENDMENT_REASONS } from '../../reporting/set-aside-reasons.ts'
import { useDraft } from '../../reporting/use-draft.ts'
import { useTenure } from '../../reporting/use-tenure.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { timeOrDay } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { IdentityBanner } from '../../ui/identity-banner.tsx'
import { ErrorLine } from '../../ui/messages.tsx'
import { ReasonPicker } from '../../ui/reason-picker.tsx'
import { Screen, type ScreenKey } from '../../ui/screen.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, ['radiologist'])
  const { person, server } = signedIn
  const { department } = server
  const report = await amendedReport(department.sql, args.params.reportId ?? '')
  const order = report && (await orderIdentity(department.sql, report.orderId))
  if (
    !report ||
    !order ||
    !can(person.actor, 'see-report', { siteId: report.siteId, released: true }).allowed
  )
    throw data(null, { status: 404 })
  const { orderId, studies } = report
  const now = await department.now()
  const recallable = await recallableVersions(department.sql, person.id, now)
  const isMine = report.open?.holder.id === person.id
  return {
    report,
    order: identityOfAll(order, await answeredBeside(department.sql, { reportIds: [report.id], orderId })),
    isMine,
    kept: isMine ? await keptAside(department.sql, { reportId: report.id, userId: person.id }) : [],
    ...(isMine && report.open?.kind === 'correction'
      ? await reportChecks(department, report.id, { sections: report.open.sections })
      : { checks: [], exam: null }),
    critical: await criticalOf(signedIn, { orderId, reportId: report.id, siteId: report.siteId }),
    needsReason: report.signerId !== person.id,
    viewer: studies.length > 0 ? await viewerAddress(signedIn, { orderId, purpose: 'view', studies }) : null,
    recallable: recallable.filter(({ reportId }) => reportId === report.id),
    similar: await similarToday(department.sql, person.actor, { orderId, now }),
  }
}

/**
 * Fields by `intent`: `open` (kind, reason), `drop` (fence), `sign` (fence, kind, sections, password), `recall` (version),
 * `seen` (until: when the newest of the late images came that were shown).
 */
export async function action(args: ActionFunctionArgs) {
  const { person, server, act } = await requireUser(args, ['radiologist'])
  const { department } = server
  const form = await args.request.formData()
  const reportId = args.params.reportId ?? ''
  const text = (name: string) => String(form.get(name) ?? '')
  const { fence, writtenIn } = tenureOf(form)
  const kind: AmendmentKind = text('kind') === 'correction' ? 'correction' : 'addendum'
  switch (text('intent')) {
    case 'open':
      return answer(async () => {
        await openAmendment(department, await act(), { reportId, kind, reason: text('reason') || null })
        return {}
      })
    case 'drop':
      return answer(async () => {
        await dropAmendment(department, await act(), { reportId, fence })
        return {}
      })
    case 'sign':
      return answer(async () => {
        const reauthenticated = await reauthenticate(department, {
          userId: person.id,
          password: text('password'),
        })
        if (!reauthenticated) throw new RadiologyError('reauthentication-required', { reportId })
        const signature = { reportId, fence, kind, content: contentOf(form), reauthenticated, writtenIn }
        await signAmendment(department, await act(), signature)
        return {}
      })
    case 'recall':
      return answer(async () => {
        await recallReport(department, await act(), { reportId, version: Number(text('version')) })
        return {}
      })
    case 'seen': {
      const until = new Date(text('until'))
      if (Number.isNaN(until.getTime())) throw data(null, { status: 400 })
      return answer(async () => {
        await seeLateImages(department, await act(), { reportId, until })
        return {}
      })
    }
    default:
      throw data(null, { status: 400 })
  }
}

// No name in the title of a window: it stands in task bars and screen sharing.
export function meta({ loaderData }: { loaderData?: { order: { accession: string } } }) {
  return [{ title: loaderData ? `${loaderData.order.accession} · ${t('amend.title')}` : t('amend.title') }]
}

export default function AmendmentPage() {
  const { report, isMine } = useLoaderData<typeof loader>()
  const tenure = useTenure({ id: report.id, fence: report.open?.fence ?? 0 }, isMine)
  // Signed or given up, its words have gone where they belong: the next amendment begins without them.
  return <Amendment key={report.open === null ? report.id : tenure} />
}

function Amendment() {
  const loaded = useLoaderData<typeof loader>()
  const { report, order, isMine, needsReason, viewer, recallable, checks, exam } = loaded
  const { open } = report
  const critical = useCritical(loaded.critical, report.id)
  // A critical result may stand here that was raised at another order.
  const loadAgain = useLive([`order:${order.id}`, 'list:critical'])
  const navigate = useNavigate()
  const acting = useFetcher<typeof action>()
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && 'sentence' in acting.data ? acting.data.sentence : null
  const [wasMine] = useState(isMine)
  const [wanted, setWanted] = useState<AmendmentKind | null>(null)
  const [password, setPassword] = useState('')
  const passwordField = useRef<HTMLInputElement>(null)
  const draft = useDraft(open?.sections ?? [], {
    itemId: '',
    fence: open?.fence ?? 0,
    reportId: isMine ? report.id : null,
    stored: open,
    loadAgain,
  })
  const { save } = draft
  const leave = useCallback(() => void save(), [save])
  useEffect(() => {
    if (refused) setPassword('')
  }, [refused])

  const isHeld = isMine && draft.lost === null
  const mayWrite = isHeld && !draft.isElsewhere
  // Taken over or refused, the words stay before the eyes of whoever wrote them.
  const lost = wasMine && open && !isHeld ? lostBy(open, draft.lost) : null
  const hasWords = isHeld || lost !== null
  const missing = open?.kind === 'correction' ? firstMissing(draft.sections) : null
  const isComplete = open?.kind === 'correction' ? missing === null : isWritten(draft.sections, 'addendum')
  const shownChecks = checksNow(checks, draft.sections, exam)
  const untold = critical.open.length
  const blocking = shownChecks.filter(({ id, state }) => state === 'blocks' && id !== 'sections').length
  async function submit(intent: string, more: Record<string, string> = {}): Promise<void> {
    if (isBusy) return
    if (mayWrite) await draft.save()
    const fields = {
      intent,
      fence: String(open?.fence ?? 0),
      kind: open?.kind ?? '',
      ...draft.writtenIn(),
      ...more,
    }
    await acting.submit(
      { ...fields, sections: JSON.stringify(draft.sections) },
      { method: 'post', action: `/reports/${report.id}/amend` },
    )
  }
  function begin(kind: AmendmentKind): void {
    if (needsReason) setWanted(kind)
    else void submit('open', { kind })
  }
  const late = open === null ? report.lateImages : null
  const see = () => late && void submit('seen', { until: late.until.toISOString() })
  function sign(): void {
    if (missing) focusSection(missing)
    if (!isComplete || blocking > 0 || untold > 0) return
    if (password === '') passwordField.current?.focus()
    else void submit('sign', { password })
  }
  const keys: ScreenKey[] = [
    ...(mayWrite ? [{ chord: 'Alt+Enter', word: t('amend.sign'), run: sign } satisfies ScreenKey] : []),
    ...(isHeld && draft.isElsewhere
      ? [{ chord: 'Alt+Enter', word: t('elsewhere.bring'), run: draft.bringHere } satisfies ScreenKey]
      : []),
    ...(late
      ? [{ chord: 'Alt+S', word: t('amend.late-seen'), run: () => void see() } satisfies ScreenKey]
      : []),
    ...(open === null && report.isOut
      ? ([
          { chord: 'Alt+A', word: t('amend.addendum'), run: () => begin('addendum') },
          { chord: 'Alt+O', word: t('amend.correction'), run: () => begin('correction') },
        ] satisfies ScreenKey[])
      : []),
    critical.screenKey,
    { chord: 'Alt+W', word: t('amend.back'), run: () => void navigate(`/orders/${order.id}`) },
  ]
  return (
    <Screen label={t('amend.title')} className="reading-room amendment" keys={keys}>
      <IdentityBanner identity={order} similar={{ orderId: report.orderId, people: loaded.similar }} />
      <div className="reading-room-body">
        <div className="viewer-frame">
          {viewer ? (
            <iframe src={viewer} title={t('room.images')} />
          ) : (
            <p className="text-3">{t('amend.no-images')}</p>
          )}
        </div>
        <section className="report-panel" aria-label={t('room.report')}>
          <header>
            <h2 className="strong">
              {mayWrite && open ? wordFor('amend.writing', open.kind) : t('room.report')}
            </h2>
            <ReportTag state={report.state} draft={draft.state} savedAt={draft.savedAt} mayWrite={mayWrite} />
          </header>
          <div className="report-scroll">
            {open?.kind === 'correction' && hasWords ? null : <Standing versions={report.stands} />}
            {hasWords
              ? draft.sections.map(({ key, text, marks }, index) => (
                  <SectionEditor
                    key={key}
                    sectionKey={key}
                    label={wordFor('section', key)}
                    text={text}
                    marks={marks}
                    readOnly={!mayWrite}
                    takesFocus={index === 0}
                    onChange={draft.write}
                    onLeave={leave}
                  />
                ))
              : null}
            <KeptAsideWords kept={loaded.kept} />
          </div>
        </section>
        <aside className="reading-side" aria-label={t('amend.title')}>
          {isHeld && draft.isElsewhere ? <WrittenElsewhere onBring={draft.bringHere} /> : null}
          <CriticalPanel critical={critical} offers />
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the arrow keys */}
          <section className="priors" aria-label={t('amend.stands')} tabIndex={0}>
            {open?.kind === 'correction' && hasWords ? (
              <>
                <header>
                  <h2 className="strong">{t('amend.stands')}</h2>
                </header>
                <div className="amend-stands">
                  <Standing versions={report.stands} />
                </div>
              </>
            ) : null}
          </section>
          <section className="signing" aria-label={t('amend.title')}>
            <header>
              <h2 className="strong">{t('amend.title')}</h2>
            </header>
            <p className="small text-2">{wordFor('amend.explains', open?.kind ?? 'none')}</p>
            {mayWrite && shownChecks.length > 0 ? (
              <Checks
                checks={shownChecks}
                exam={exam}
                images={null}
                onMend={missing ? () => focusSection(missing) : null}
              />
            ) : null}
            {lost ? <ErrorLine>{lost}</ErrorLine> : null}
            {refused ? <ErrorLine>{refused}</ErrorLine> : null}
            <RecallBars versions={recallable} />
            {late && wanted === null ? <LateImages since={late.since} isBusy={isBusy} onSeen={see} /> : null}
            {mayWrite ? (
              <form
                className="stack"
                onSubmit={(event) => {
                  event.preventDefault()
                  sign()
                }}
              >
                <PasswordField field={passwordField} value={password} onChange={setPassword} />
                <Button
                  type="submit"
                  look="primary"
                  size="big"
                  wide
                  chord="Alt+Enter"
                  busy={isBusy}
                  blocked={
                    isComplete
                      ? (blocking > 0 && t('room.blocked', { n: blocking })) ||
                        (untold > 0 && t('amend.tell-first'))
                      : wordFor('amend.needs', open?.kind ?? 'addendum')
                  }
                >
                  {t('amend.sign')}
                </Button>
                <Button wide busy={isBusy} onClick={() => void submit('drop')}>
                  {t('amend.drop')}
                </Button>
              </form>
            ) : isHeld ? null : (
              <Begin
                open={open}
                isOut={report.isOut}
                isBusy={isBusy}
                wanted={wanted}
                onBegin={begin}
                onTakeOver={() => setWanted(open?.kind ?? null)}
                onReason={(kind, reason) => {
                  setWanted(null)
                  void submit('open', { kind, reason })
                }}
              />
            )}
          </section>
        </aside>
      </div>
    </Screen>
  )
}

function lostBy(open: { holder: { name: string } }, lost: { sentence: string } | null): string {
  const takenBy = () => `${t('room.taken-by', { name: open.holder.name })} ${t('room.text-kept-aside')}`
  return lost?.sentence ?? takenBy()
}

/** Images that nobody has answered: words are one answer, having seen them is the other. */
function LateImages({ since, isBusy, onSeen }: { since: Date; isBusy: boolean; onSeen: () => void }) {
  const zone = useZone()
  const now = useDepartmentNow('minute')
  return (
    <div className="stack">
      <p className="small risk" role="status">
        <Glyph name="look" /> {t('amend.late-images', { since: timeOrDay(since, zone, now) })}
      </p>
      <Button wide chord="Alt+S" busy={isBusy} onClick={onSeen}>
        {t('amend.late-seen')}
      </Button>
    </div>
  )
}

interface BeginProps {
  open: ReturnType<typeof useLoaderData<typeof loader>>['report']['open']
  isOut: boolean
  isBusy: boolean
  wanted: AmendmentKind | null
  onBegin: (kind: AmendmentKind) => void
  onTakeOver: () => void
  onReason: (kind: AmendmentKind, reason: string) => void
}

/** What can be begun: nothing before the report is out, and what somebody else writes only with a reason. */
function Begin({ open, isOut, isBusy, wanted, onBegin, onTakeOver, onReason }: BeginProps) {
  const zone = useZone()
  const now = useDepartmentNow('minute')
  if (wanted)
    return (
      <div className="stack">
        <ReasonPicker
          label={t('amend.reason')}
          reasons={AMENDMENT_REASONS}
          chosen={null}
          takesFocus
          onChoose={(reason) => onReason(wanted, reason)}
        />
      </div>
    )
  if (open)
    return (
      <div className="stack">
        <p className="small">
          {t(open.kind === 'addendum' ? 'amend.held-addendum' : 'amend.held-correction', {
            name: open.holder.name,
            since: timeOrDay(open.since, zone, now),
          })}
        </p>
        <Button wide busy={isBusy} onClick={onTakeOver}>
          {t('room.take-over')}
        </Button>
      </div>
    )
  const blocked = !isOut && t('amend.not-out')
  return (
    <div className="stack">
      <Button
        wide
        look="primary"
        chord="Alt+A"
        busy={isBusy}
        blocked={blocked}
        onClick={() => onBegin('addendum')}
      >
        {t('amend.addendum')}
      </Button>
      <Button wide chord="Alt+O" busy={isBusy} blocked={blocked} onClick={() => onBegin('correction')}>
        {t('amend.correction')}
      </Button>
    </div>
  )
}

/** The report as it stands: the text, then what was added to it, each with who and when. */
function Standing({ versions }: { versions: StandingVersion[] }) {
  const zone = useZone()
  const now = useDepartmentNow('minute')
  return versions.map(({ version, kind, sections, signer, at }) => (
    <article key={version} className="amend-version">
      {sections
        .filter(({ text }) => text.trim() !== '')
        .map(({ key, text }) => (
          <section key={key} className="report-section">
            <h3 className="label">{wordFor('section', key)}</h3>
            <p className="report-text">{text}</p>
          </section>
        ))}
      <p className="small text-3">
        {t('amend.version', {
          version,
          kind: wordFor('version-kind', kind),
          name: signer ?? t('app.none'),
          at: timeOrDay(at, zone, now),
        })}
      </p>
    </article>
  ))
}
