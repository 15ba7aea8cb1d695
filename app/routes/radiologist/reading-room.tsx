/** Right patient, what changed since the prior, what stops me signing? Images beside the report. */
import './reading-room.css'
import { useEffect, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  redirect,
  type ShouldRevalidateFunctionArgs,
  useLoaderData,
  useLocation,
  useNavigate,
} from 'react-router'
import { criticalOf } from '#app/server/critical-view.ts'
import { requireUser } from '#app/server/guard.ts'
import { viewerAddress } from '#app/server/launches.ts'
import { takenUp, waitingCases } from '#app/server/parked.ts'
import { readingAct } from '#app/server/reading-acts.ts'
import type { DeskPlace } from '#db/mutations/parking.ts'
import { openReport, reportChecks } from '#db/mutations/reports.ts'
import { authored } from '#db/queries/communications.ts'
import { keptAside } from '#db/queries/kept-aside.ts'
import { handedOn } from '#db/queries/over-read.ts'
import { policyOf } from '#db/queries/policy.ts'
import { readingGroup } from '#db/queries/reading-group.ts'
import { readingRoom, recallableVersions } from '#db/queries/reading-room.ts'
import { macrosOf, templateOfOrder } from '#db/queries/report-templates.ts'
import { returnsOf } from '#db/queries/returns.ts'
import { similarToday } from '#db/queries/similar-people.ts'
import { can } from '#domain/permissions.ts'
import { isSigned } from '#domain/report.ts'
import { openField } from '#domain/report-text.ts'
import type { Agreement } from '#domain/words.ts'
import { useLive } from '../../live/use-live.ts'
import { readingListOf, rolesWith } from '../../places.ts'
import { AskForm, ReturnsPanel } from '../../reporting/ask-technologist.tsx'
import { ClaimLost, HolderTag, LeaseFact, NotMine, WrittenElsewhere } from '../../reporting/case-claim.tsx'
import { CheckCounts, Checks, checksNow, firstMissing, isWritten } from '../../reporting/checks.tsx'
import { CriticalPanel, useCritical } from '../../reporting/critical-panel.tsx'
import { focusSection } from '../../reporting/focus-section.ts'
import { useImagesSeen } from '../../reporting/images-seen.ts'
import { ParkedChips } from '../../reporting/parked-chips.tsx'
import { possibleActs } from '../../reporting/possible-acts.ts'
import { comparisonText, PriorList } from '../../reporting/prior-list.tsx'
import { identityOfAll, ReadTogetherChips } from '../../reporting/read-together.tsx'
import { RecallBars } from '../../reporting/recall-bars.tsx'
import { ReportPanel } from '../../reporting/report-panel.tsx'
import { FirstWord, GradePicker, HandedOnPanel, SendBackForm } from '../../reporting/second-look.tsx'
import { wholeReport } from '../../reporting/sections.ts'
import { SKIP_REASONS, TAKE_OVER_REASONS } from '../../reporting/set-aside-reasons.ts'
import { SigningForm } from '../../reporting/signing-form.tsx'
import { type Deciding, useDecision } from '../../reporting/use-decision.ts'
import { useDraft } from '../../reporting/use-draft.ts'
import { useLease } from '../../reporting/use-lease.ts'
import { useParking, useReturn } from '../../reporting/use-parking.ts'
import { useTenure } from '../../reporting/use-tenure.ts'
import { useWriting } from '../../reporting/use-writing.ts'
import { ViewerFrame } from '../../reporting/viewer-frame.tsx'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { IdentityBanner } from '../../ui/identity-banner.tsx'
import { ErrorLine } from '../../ui/messages.tsx'
import { ReasonPicker } from '../../ui/reason-picker.tsx'
import { Screen, type ScreenKey } from '../../ui/screen.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { useCaseFolders } from '../../worklist/case-folders.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const askedAt = new Date()
  const signedIn = await requireUser(args, rolesWith('reading'))
  const { person, server, act } = signedIn
  const { department } = server
  const itemId = args.params.itemId ?? ''
  const waiting = await waitingCases(signedIn)
  const place = await takenUp(signedIn, itemId, { waiting, askedAt })
  const found = await readingRoom(department.sql, itemId)
  if (!found || !can(person.actor, 'see-order', { siteId: found.order.siteId }).allowed)
    throw data(null, { status: 404 })
  // Images that came after a report are looked at where it is amended; of one that was taken back, with all of its order.
  if (found.item.kind === 'late')
    throw redirect(
      isSigned(found.report?.state) ? `/reports/${found.report!.id}/amend` : `/orders/${found.order.id}`,
    )
  const isMine = found.item.holder?.id === person.id && found.item.state === 'claimed'
  // The report is made with the first opening by its holder; made twice it is the same one.
  if (isMine && !found.report) await openReport(department, await act(), { itemId })
  const room = isMine && !found.report ? ((await readingRoom(department.sql, itemId)) ?? found) : found
  const studies = room.studies.filter(({ images }) => images > 0)
  const written = room.report?.draft?.sections ?? room.report?.versions[0]?.sections ?? []
  const sections = wholeReport(isMine ? authored(written) : written)
  const now = await department.now()
  return {
    room,
    sections,
    isMine,
    kept:
      isMine && room.report
        ? await keptAside(department.sql, { reportId: room.report.id, userId: person.id })
        : [],
    second:
      isSecondLook(room.item.kind) && room.report ? await handedOn(department.sql, room.report.id) : null,
    group: await readingGroup(department.sql, { itemId, machineNow: new Date() }),
    /** Where it was left, when it was parked until now. */
    place,
    parked: waiting.filter((one) => one.itemId !== itemId),
    template: await templateOfOrder(department.sql, room.order.id),
    macros: await macrosOf(department.sql, person.id),
    cloudAccepted: (await policyOf(department.sql)).dictation.browserCloud === 'accept',
    mayClaim: person.roles.some((role) => role === 'radiologist' || role === 'resident'),
    mayFinal: person.roles.includes('radiologist'),
    list: readingListOf(room.item.kind, person.roles),
    images: studies.reduce((sum, study) => sum + study.images, 0),
    viewer: await viewerAddress(signedIn, {
      orderId: room.order.id,
      purpose: isMine ? 'read' : 'view',
      studies: studies.map(({ uid }) => uid),
      priors: room.priors.map(({ uid }) => uid),
    }),
    ...(room.report
      ? await reportChecks(department, room.report.id, { sections })
      : { checks: [], exam: null }),
    returns: await returnsOf(department.sql, room.order.id),
    critical: await criticalOf(signedIn, {
      ...{ orderId: room.order.id, siteId: room.order.siteId },
      reportId: room.report?.id ?? null,
    }),
    recallable: await recallableVersions(department.sql, person.id, now),
    similar: await similarToday(department.sql, person.actor, { orderId: room.order.id, now }),
  }
}

/** Whatever a reader does with the case; app/server/reading-acts.ts says which fields each intent brings. */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, ['radiologist', 'resident'])
  const done = await readingAct(signedIn, args.params.itemId ?? '', await args.request.formData())
  if (done === null) throw data(null, { status: 400 })
  return done
}

// A draft is kept every few seconds: loading the page again after each would be for nothing.
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
  const { room, isMine } = useLoaderData<typeof loader>()
  return <Room key={useTenure(room.item, isMine, room.report?.id ?? null)} />
}

type Panel = 'none' | 'skip' | 'take-over' | 'send-back' | 'ask'

function Room() {
  const loaded = useLoaderData<typeof loader>()
  const { room, isMine, mayClaim, mayFinal, checks, exam, recallable } = loaded
  const { item, order, report, priors } = room
  const { second } = loaded
  const { group } = loaded
  const orderIds = [order.id, ...group.others.map(({ orderId }) => orderId)]
  // A critical result may stand here that was raised at another order.
  const loadAgain = useLive([...orderIds.map((id) => `order:${id}`), 'list:critical'])
  const navigate = useNavigate()
  const [wasMine] = useState(isMine)
  const draft = useDraft(loaded.sections, {
    itemId: item.id,
    fence: item.fence,
    reportId: isMine ? (report?.id ?? null) : null,
    stored: report?.draft ?? null,
    loadAgain,
  })
  const lease = useLease({ itemId: item.id, fence: item.fence, held: isMine })
  const [password, setPassword] = useState('')
  const [panel, setPanel] = useState<Panel>('none')
  const [grade, setGrade] = useState<Agreement | null>(null)
  const [isGradeAsked, setGradeAsked] = useState(false)
  const passwordField = useRef<HTMLInputElement>(null)
  const frame = useRef<HTMLIFrameElement>(null)
  const seen = useImagesSeen(frame)
  const shownImages =
    loaded.viewer && seen.available !== 0 ? { seen, count: seen.available ?? loaded.images } : null
  const { submit, isBusy, refused, unheard } = useDecision({
    itemId: item.id,
    fence: item.fence,
    reportId: report?.id ?? '',
    draft,
    lease,
    isHeld: isMine,
    beside: group.together,
  })
  useEffect(() => {
    if (refused) setPassword('')
  }, [refused])

  const lost = wasMine && !isBusy ? lostBy({ ...loaded, draft, lease }) : null
  const isHeld = isMine && lost === null
  const mayWrite = isHeld && !draft.isElsewhere
  const shownChecks = checksNow(checks, draft.sections, exam)
  const blocking = shownChecks.filter(({ state }) => state === 'blocks').length
  const missing = firstMissing(draft.sections)
  const hasImpression = isWritten(draft.sections, 'impression')
  const writing = useWriting({
    order,
    comparison: comparisonText(priors),
    studies: room.studies.map(({ uid }) => uid),
    template: loaded.template,
    draft,
    frame,
    mayWrite,
    cloudAccepted: loaded.cloudAccepted,
  })
  const left = (useLocation().state as { place?: DeskPlace | null } | null)?.place ?? null
  useReturn(loaded.place ?? left, writing.desk, frame)
  const held = { itemId: item.id, fence: item.fence, parked: loaded.parked, mayWrite }
  const parking = useParking({ ...held, draft, desk: writing.desk, frame })

  const critical = useCritical(loaded.critical, report?.id ?? null)

  const mend = () => missing && focusSection(missing)
  function sign(): void {
    const open = openField(draft.sections)
    if (missing) mend()
    else if (open) focusSection(open.section, open)
    else if (blocking > 0) return
    else if (isGraded && grade === null) setGradeAsked(true)
    else if (password === '') passwordField.current?.focus()
    else submit('sign', { password, agreement: grade ?? '' })
  }
  const possible = possibleActs({ kind: item.kind, state: report?.state ?? null })
  const isGraded = mayWrite && mayFinal && second?.isGraded === true
  function choose(chosen: Agreement): void {
    setGrade(chosen)
    setGradeAsked(false)
    passwordField.current?.focus()
  }
  const preliminary = () => void (hasImpression ? submit('preliminary') : focusSection('impression'))
  const join = (other: string) => submit('join', { other })
  const offered = group.offers[0]?.itemId
  const next = () => submit('next', isHeld ? {} : { fence: '0' })
  const back = () => void navigate(loaded.list)
  const wetRead = () => void (hasImpression ? submit('wet-read') : focusSection('impression'))
  const handOn = () => void (hasImpression ? submit('submit') : focusSection('impression'))
  const handingOn = [
    { chord: 'Alt+G', word: t('room.wet-read'), run: wetRead, isPossible: possible.wetRead },
    { chord: 'Alt+A', word: t('room.submit'), run: handOn, isPossible: possible.submit },
  ] as const
  // What was submitted goes back to its author rather than to the list.
  const setAside = possible.sendBack ? 'send-back' : 'skip'
  const toggleSkip = () => setPanel(panel === setAside ? 'none' : setAside)
  const mayAsk = mayWrite && item.kind === 'read'
  const toggleAsk = () => setPanel(panel === 'ask' ? 'none' : 'ask')
  const isSendingBack = panel === 'send-back' && mayWrite
  const isSkipping = panel === 'skip' && mayWrite
  const sendBack = () => document.querySelector<HTMLFormElement>('form.send-back')?.requestSubmit()
  const own = mayFinal ? sign : preliminary
  const written = isSendingBack ? sendBack : own
  const decide = !isHeld ? () => submit('claim') : draft.isElsewhere ? draft.bringHere : written
  const ownWord = t(mayFinal ? 'room.sign' : 'room.preliminary-and-next')
  const decision = !mayWrite ? t('room.claim') : isSendingBack ? t('send-back.send') : ownWord

  const folders = useCaseFolders({ orderId: order.id, accession: order.accession }, { silent: true })
  const keys: ScreenKey[] = [
    { chord: 'F2', word: t('room.swap'), run: writing.swap },
    {
      chord: 'Alt+Enter',
      word: decision,
      run: decide,
      // On its button, whatever the button says now.
      silent: true,
      disabled: !mayClaim || (!isHeld && (!isFree(item) || item.blockedBy !== null)),
    },
    ...(mayClaim
      ? ([
          ...writing.keys,
          {
            chord: 'Alt+Q',
            word: t(loaded.parked.length > 0 ? 'parked.bring-back' : 'parked.park'),
            run: parking.toggle,
            disabled: !mayWrite && loaded.parked.length === 0,
          },
          {
            chord: 'Alt+P',
            word: t('room.preliminary'),
            run: preliminary,
            disabled: !mayWrite || !mayFinal || !possible.preliminary,
            silent: true,
          },
          ...handingOn.map(({ isPossible, ...key }) => ({
            ...key,
            disabled: !mayWrite || !isPossible,
            silent: true,
          })),
          critical.screenKey,
          { chord: 'Alt+Y', word: t('ask.title'), run: toggleAsk, disabled: !mayAsk, silent: true },
          {
            chord: 'Alt+T',
            word: t('together.key'),
            run: () => offered && join(offered),
            disabled: !mayWrite || !offered,
            silent: !offered,
          },
          { chord: 'Alt+X', word: t(`room.${setAside}`), run: toggleSkip, disabled: !mayWrite, silent: true },
          { chord: 'Alt+N', word: t('reading.next-case'), run: next },
        ] satisfies ScreenKey[])
      : []),
    { chord: 'Alt+W', word: t('room.back'), run: back },
    { chord: 'Alt+L', word: t('reading.timeline'), run: () => void navigate(`/orders/${order.id}`) },
    folders.key,
  ]

  return (
    <Screen
      label={t('room.title')}
      className="reading-room"
      fact={lease.renewedAt && isHeld ? <LeaseFact at={lease.renewedAt} /> : null}
      keys={keys}
    >
      {folders.panel}
      <IdentityBanner
        identity={identityOfAll(order, group.others)}
        similar={{ orderId: order.id, people: loaded.similar }}
        beside={
          <>
            <ReadTogetherChips
              group={group}
              mayWrite={mayWrite}
              isUnsaid={isUnsaid(report)}
              onJoin={join}
              onPart={(other) => submit('part', { other })}
            />
            <ParkedChips
              cases={loaded.parked}
              onBringBack={parking.bringBack}
              onParkToo={mayWrite ? parking.parkToo : undefined}
            />
          </>
        }
      >
        {item.state === 'open' || item.state === 'claimed' ? (
          <TimeLeft
            words="left"
            allowance={{ dueAt: iso(item.dueAt), from: iso(item.dueFrom), lateAt: iso(item.lateAt) }}
          />
        ) : null}
        <HolderTag isMine={isHeld} holder={item.holder} riskSeconds={lease.riskSeconds} />
      </IdentityBanner>
      <div className="reading-room-body">
        <ViewerFrame
          // An exam that its reader adds or takes out is seen at once; what comes by itself is offered.
          key={group.together.map(({ studyUid }) => studyUid).join(' ')}
          frame={frame}
          viewer={loaded.viewer}
          images={loaded.images}
          priors={priors.length}
          isMine={isMine}
        />
        <ReportPanel
          room={room}
          template={loaded.template}
          macros={loaded.macros}
          draft={draft}
          writing={writing}
          kept={loaded.kept}
          mayWrite={mayWrite}
        />
        <aside className="reading-side" aria-label={t('room.side')}>
          {lost ? <ClaimLost sentence={lost} savedAt={draft.savedAt} onNext={next} onBack={back} /> : null}
          {isHeld && draft.isElsewhere ? <WrittenElsewhere onBring={draft.bringHere} /> : null}
          <CriticalPanel critical={critical} />
          {second ? <HandedOnPanel handedOn={second} sections={draft.sections} /> : null}
          <ReturnsPanel returns={loaded.returns} />
          <PriorList priors={priors} />
          <section className="signing" aria-label={t('room.before-signing')}>
            <header>
              <h2 className="strong">{t('room.before-signing')}</h2>
              <CheckCounts checks={shownChecks} images={shownImages} />
            </header>
            {isSendingBack ? null : (
              <Checks checks={shownChecks} exam={exam} images={shownImages} onMend={mayWrite ? mend : null} />
            )}
            {refused ? <ErrorLine>{refused}</ErrorLine> : null}
            {parking.refused ? <ErrorLine>{parking.refused}</ErrorLine> : null}
            {unheard ? <ErrorLine>{t(`room.${unheard}`)}</ErrorLine> : null}
            <RecallBars versions={recallable} />
            {isSkipping ? (
              <div className="stack">
                <ReasonPicker
                  label={t('room.skip')}
                  reasons={SKIP_REASONS}
                  chosen={null}
                  takesFocus
                  onChoose={(reason) => submit('skip', { reason })}
                />
                <Button wide onClick={() => setPanel('none')}>
                  {t('reason.close')}
                </Button>
              </div>
            ) : null}
            {isSendingBack ? (
              <SendBackForm
                isBusy={isBusy}
                onSend={(fields) => submit('send-back', fields)}
                onClose={() => setPanel('none')}
              />
            ) : null}
            {panel === 'ask' && mayAsk ? (
              <AskForm
                frame={frame}
                isBusy={isBusy}
                onAsk={(fields) => submit('ask-return', fields)}
                onClose={() => setPanel('none')}
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
            {mayWrite && report && !second ? <FirstWord versions={report.versions} /> : null}
            {isGraded && !isSendingBack && !isSkipping ? (
              <GradePicker
                chosen={grade}
                isAsked={isGradeAsked}
                isOut={second?.isOut === true}
                onChoose={choose}
              />
            ) : null}
            {mayWrite && !isSendingBack && !isSkipping && panel !== 'ask' ? (
              <SigningForm
                mayFinal={mayFinal}
                decision={decision}
                isBusy={isBusy}
                blocked={
                  mayFinal
                    ? blocking > 0 && t('room.blocked', { n: blocking })
                    : !hasImpression && t('room.needs-impression')
                }
                password={{ field: passwordField, value: password, onChange: setPassword }}
                onDecide={decide}
                more={handingOn
                  .filter(({ isPossible }) => isPossible)
                  .map(({ chord, word, run }) => (
                    <Button
                      key={chord}
                      wide
                      chord={chord}
                      busy={isBusy}
                      blocked={!hasImpression && t('room.needs-impression')}
                      onClick={run}
                    >
                      {word}
                    </Button>
                  ))}
              >
                {mayFinal && possible.preliminary ? (
                  <Button
                    wide
                    chord="Alt+P"
                    busy={isBusy}
                    blocked={!hasImpression && t('room.needs-impression')}
                    onClick={preliminary}
                  >
                    {t('room.preliminary')}
                  </Button>
                ) : null}
                <Button wide chord="Alt+X" onClick={toggleSkip}>
                  {t(`room.${setAside}`)}
                </Button>
                {mayAsk ? (
                  <Button wide chord="Alt+Y" onClick={toggleAsk}>
                    {t('ask.title')}
                  </Button>
                ) : null}
              </SigningForm>
            ) : null}
            {isHeld ? null : (
              <NotMine
                holder={item.holder?.name ?? null}
                state={item.state}
                blockedBy={item.blockedBy}
                mayClaim={mayClaim}
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

type Loaded = ReturnType<typeof useLoaderData<typeof loader>>

/** Why a case that was held isn't any more, in words; null while it is, or once its work is done. */
function lostBy({
  room: { item },
  isMine,
  draft,
  lease,
}: Loaded & Pick<Deciding, 'draft' | 'lease'>): string | null {
  if (isMine) return lease.lost?.sentence ?? draft.lost?.sentence ?? null
  if (item.state === 'completed') return null
  if (item.state === 'cancelled') return t('refusal.order-ended')
  return item.holder ? t('room.taken-by', { name: item.holder.name }) : t('refusal.lease-expired')
}

const isSecondLook = (kind: string) => kind === 'over-read' || kind === 'sign' || kind === 'sent-back'

/** What has been said was said of these exams: none joins them any more, and none leaves. */
const isUnsaid = (report: Loaded['room']['report']) =>
  report?.state === 'DRAFT' && report.versions.every(({ recalledAt }) => recalledAt !== null)

const isFree = ({ state, holder }: { state: string; holder: object | null }) =>
  state === 'open' || (state === 'claimed' && holder === null)

const iso = (at: Date | null) => at?.toISOString() ?? null
