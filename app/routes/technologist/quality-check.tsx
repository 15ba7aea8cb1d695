/** Is it complete, by what evidence, and may it go to reading? */
import './quality-check.css'
import { useEffect, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  Link,
  type LoaderFunctionArgs,
  redirect,
  useFetcher,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { viewerAddress } from '#app/server/launches.ts'
import { answer } from '#app/server/refusal.ts'
import { acceptIncomplete, acceptQuality, rejectQuality } from '#db/mutations/quality.ts'
import { claim } from '#db/mutations/work-items.ts'
import { ownRejects, type QualityCheck, qualityCheck, type StoredObject } from '#db/queries/quality-check.ts'
import { type OtherPerson, similarToday } from '#db/queries/similar-people.ts'
import { worklist } from '#db/queries/worklists.ts'
import { RadiologyError } from '#domain/errors.ts'
import type { WorkItemKind } from '#domain/words.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { useLease } from '../../reporting/use-lease.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button, Keys } from '../../ui/button.tsx'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, count, NONE } from '../../ui/format.ts'
import { Glyph, type GlyphName } from '../../ui/glyph.tsx'
import { IdentityBanner } from '../../ui/identity-banner.tsx'
import { EmptyState, ErrorLine } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { Priority } from '../../ui/priority.tsx'
import { type Reason, ReasonPicker, ReasonWords } from '../../ui/reason-picker.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { type ListedCase, listedCases } from '../../worklist/listed-case.ts'
import { isRejectReason, NEEDS_WORDS, REJECT_TREE } from './reject-tree.ts'

const KINDS: WorkItemKind[] = ['quality', 'complete']
const DAYS_30_MS = 30 * 86_400_000

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('quality-check'))
  const { person, server } = signedIn
  const { sql } = server.department
  const { itemId } = args.params
  const check = itemId ? await qualityCheck(sql, itemId) : null
  if (itemId && !(check && maySee(signedIn, check.order.siteId))) throw data(null, { status: 404 })
  const now = await server.department.now()
  return {
    toCheck: await listed(signedIn),
    check,
    isMine: check?.item.state === 'claimed' && check.item.holder?.id === person.id,
    viewer: check ? await viewerOf(signedIn, check) : null,
    similar: check ? await similarToday(sql, person.actor, { orderId: check.order.id, now }) : [],
    rejects: await ownRejects(sql, person.id, new Date(now.getTime() - DAYS_30_MS)),
  }
}

async function listed({ person, server: { department } }: SignedIn): Promise<ListedCase[]> {
  const { rows } = await worklist(department.sql, person.actor, KINDS, { now: await department.now() })
  const dueOf = ({ dueAt }: ListedCase) => dueAt ?? '9'
  return listedCases(rows, { userId: person.id, machineNow: new Date() }).sort((a, b) =>
    dueOf(a) < dueOf(b) ? -1 : dueOf(a) > dueOf(b) ? 1 : 0,
  )
}

function maySee({ person }: SignedIn, siteId: string): boolean {
  return person.sites.includes('*') || person.sites.includes(siteId)
}

async function viewerOf(signedIn: SignedIn, { order, study }: QualityCheck): Promise<string | null> {
  const studies = study.visible > 0 ? [study.uid] : []
  return viewerAddress(signedIn, { orderId: order.id, purpose: 'quality', studies })
}

/**
 * `intent`: claim · accept (fence) · accept-incomplete (fence, reason, words?) ·
 * reject (fence, reason, words?, instances = SOP Instance UIDs parted by commas or empty for all, repeated = yes or no).
 */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('quality-check'))
  const { act, server } = signedIn
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  const held = { itemId: args.params.itemId ?? '', fence: Number(form.get('fence')) }
  switch (text('intent')) {
    case 'claim':
      return answer(async () => claim(department, await act(), held))
    case 'accept': {
      const answered = await answer(async () => done(acceptQuality(department, await act(), held)))
      return answered.ok ? onward(signedIn, held.itemId) : answered
    }
    case 'accept-incomplete': {
      const reason = [text('reason'), text('words')].filter(Boolean).join(': ')
      const answered = await answer(async () =>
        done(acceptIncomplete(department, await act(), { ...held, reason })),
      )
      return answered.ok ? onward(signedIn, held.itemId) : answered
    }
    case 'reject': {
      const rejection = readRejection(text)
      const answered = await answer(async () => {
        if (!rejection) throw new RadiologyError('reason-required', { itemId: held.itemId })
        return done(rejectQuality(department, await act(), { ...held, ...rejection }))
      })
      return answered.ok ? onward(signedIn, held.itemId) : answered
    }
    default:
      throw data(null, { status: 400 })
  }
}

async function done(work: Promise<void>): Promise<object> {
  await work
  return {}
}

function readRejection(text: (name: string) => string) {
  const [reason, words] = [text('reason'), text('words')]
  if (!isRejectReason(reason) || (NEEDS_WORDS.has(reason) && !words)) return null
  return {
    reasonCodes: [reason],
    ...(words && { words }),
    instances: text('instances').split(',').filter(Boolean),
    repeated: text('repeated') === 'yes',
  }
}

/** The next exam that nobody looks at; without one, the list. */
async function onward(signedIn: SignedIn, after: string): Promise<Response> {
  const next = (await listed(signedIn)).find(({ id, holder }) => id !== after && !holder)
  return redirect(next ? `/quality-check/${next.id}` : '/quality-check')
}

export function meta({ loaderData }: { loaderData: Awaited<ReturnType<typeof loader>> | undefined }) {
  const accession = loaderData?.check?.order.accession
  return [{ title: [accession, t('nav.quality-check'), t('app.name')].filter(Boolean).join(' · ') }]
}

const TOPICS = [
  'list:quality',
  'list:complete',
  'images.arrived',
  'completeness.decided',
  'performed-step.ended',
  'quality.accepted',
  'quality.rejected',
]

export default function QualityCheckScreen() {
  const { toCheck, check, isMine, viewer, rejects, similar } = useLoaderData<typeof loader>()
  useLive(check ? [...TOPICS, `order:${check.order.id}`] : TOPICS)
  return check ? (
    <OpenCheck
      key={check.item.id}
      check={check}
      isMine={isMine}
      viewer={viewer}
      toCheck={toCheck}
      rejects={rejects}
      similar={similar}
    />
  ) : (
    <Screen label={t('nav.quality-check')} className="quality-check" keys={[]}>
      <aside className="panel quality-left" aria-label={t('quality.to-check')}>
        <ToCheck toCheck={toCheck} chosen={null} />
        <OwnRejects rejects={rejects} />
      </aside>
      <section className="panel quality-nothing">
        <h1 className="visually-hidden">{t('nav.quality-check')}</h1>
        <EmptyState title={toCheck.length ? t('quality.choose') : t('quality.empty')}>
          {toCheck.length ? t('quality.choose-how') : t('quality.empty-why')}
        </EmptyState>
      </section>
    </Screen>
  )
}

interface OpenCheckProps {
  check: QualityCheck
  isMine: boolean
  viewer: string | null
  toCheck: ListedCase[]
  rejects: { looks: number; rejected: number }
  similar: OtherPerson[]
}

function OpenCheck({ check, isMine, viewer, toCheck, rejects, similar }: OpenCheckProps) {
  const { item, order, study } = check
  const acting = useFetcher<typeof action>()
  const claiming = useFetcher<typeof action>()
  const navigate = useNavigate()
  const isBusy = acting.state !== 'idle'
  const refusal = [acting, claiming].map(refusedIn).find(Boolean) ?? null
  const lease = useLease({ itemId: item.id, fence: item.fence, held: isMine })
  useClaimOnce(item, claiming)

  const images = check.objects.filter(({ isImage }) => isImage)
  const [at, setAt] = useState(0)
  const shown = images[Math.min(at, images.length - 1)]
  const [inViewer, setInViewer] = useState(false)
  const [reject, setReject] = useState<Rejecting>(NOTHING_CHOSEN)
  const [why, setWhy] = useState<{ open: boolean; words: string }>({ open: false, words: '' })
  const panel = useRef<HTMLElement>(null)
  const isIncomplete = item.kind === 'complete'
  const blocked = blockedBy({ item, isMine, isLost: lease.lost !== null })

  const submit = (intent: string, more: Record<string, string> = {}) =>
    void acting.submit(
      { intent, fence: String(item.fence), ...more },
      { method: 'post', action: here(item.id) },
    )
  function accept(): void {
    if (blocked) return
    if (isIncomplete) setWhy({ ...why, open: true })
    else submit('accept')
  }
  function turnDown(): void {
    if (blocked) return
    if (!reject.leaf || (NEEDS_WORDS.has(reject.leaf) && !reject.words.trim())) {
      panel.current?.querySelector<HTMLElement>('.reasons button')?.focus()
      return
    }
    submit('reject', {
      reason: reject.leaf,
      words: reject.words,
      instances: reject.all || !shown ? '' : shown.uid,
      repeated: reject.repeated ? 'yes' : 'no',
    })
  }
  const step = (by: number) => setAt((now) => Math.max(0, Math.min(images.length - 1, now + by)))
  const visibleImages = images.filter(({ rejectedCode }) => rejectedCode === null).length
  const acceptWord = isIncomplete
    ? t('quality.accept-incomplete')
    : t('quality.accept', { n: study.visible, count: count(study.visible) })

  return (
    <Screen
      label={t('nav.quality-check')}
      className="quality-check"
      fact={lease.renewedAt ? <Renewed at={lease.renewedAt} /> : null}
      keys={[
        {
          chord: 'ArrowLeft',
          caps: ['←', '→'],
          word: t('quality.image'),
          where: 'outside-text',
          run: () => step(-1),
        },
        {
          chord: 'ArrowRight',
          word: t('quality.image'),
          where: 'outside-text',
          run: () => step(1),
          silent: true,
        },
        { chord: 'Alt+X', word: t('quality.reject'), run: turnDown, disabled: Boolean(blocked) },
        { chord: 'Alt+Enter', word: acceptWord, run: accept, disabled: Boolean(blocked) },
        {
          chord: 'F2',
          word: t('quality.viewer-or-image'),
          run: () => setInViewer(!inViewer),
          disabled: !viewer,
        },
        { chord: 'Alt+L', word: t('reading.timeline'), run: () => void navigate(`/orders/${order.id}`) },
        { chord: 'Alt+W', word: t('room.back'), run: () => void navigate('/quality-check') },
        ...(reject.branch
          ? [
              {
                chord: 'R',
                word: t('quality.repeated'),
                where: 'outside-text' as const,
                silent: true,
                run: () => setReject({ ...reject, repeated: true }),
              },
              {
                chord: 'K',
                word: t('quality.kept'),
                where: 'outside-text' as const,
                silent: true,
                run: () => setReject({ ...reject, repeated: false }),
              },
            ]
          : []),
      ]}
    >
      <aside className="panel quality-left" aria-label={t('quality.to-check')}>
        <ToCheck toCheck={toCheck} chosen={item.id} />
        <OrderFacts check={check} />
        <OwnRejects rejects={rejects} />
      </aside>
      <div className="quality-centre">
        <IdentityBanner
          identity={{ ...order, phase: undefined }}
          similar={{ orderId: order.id, people: similar }}
        >
          <TimeLeft
            words="left"
            allowance={{ dueAt: iso(item.dueAt), from: iso(item.dueFrom), lateAt: iso(item.lateAt) }}
          />
        </IdentityBanner>
        <div className="quality-image">
          {inViewer && viewer ? (
            <iframe src={viewer} title={t('room.images')} />
          ) : shown ? (
            <Picture
              object={shown}
              address={addressOf(viewer, study.uid, shown)}
              at={at}
              total={images.length}
            />
          ) : (
            <p className="text-3">{t('room.no-images')}</p>
          )}
        </div>
        <Strip
          images={images}
          others={check.objects.length - images.length}
          at={at}
          onChoose={setAt}
          addressOf={(object) => addressOf(viewer, study.uid, object, 'thumbnail')}
        >
          {viewer ? (
            <Button chord="F2" onClick={() => setInViewer(!inViewer)}>
              {inViewer ? t('quality.show-image') : t('quality.show-viewer')}
            </Button>
          ) : null}
        </Strip>
      </div>
      <aside ref={panel} className="panel quality-right" aria-label={t('quality.decision')}>
        <Evidence check={check} />
        <RejectForm
          reject={reject}
          onChange={setReject}
          image={shown ? { at: at + 1, total: images.length } : null}
          visible={visibleImages}
        />
        <div className="quality-foot">
          {refusal ? <ErrorLine>{refusal}</ErrorLine> : null}
          {lease.lost ? <ErrorLine>{lease.lost.sentence}</ErrorLine> : null}
          {why.open ? (
            <div className="stack">
              <p className="strong">{t('quality.incomplete-why', { n: study.missing })}</p>
              <ReasonPicker
                label={t('quality.accept-incomplete')}
                reasons={INCOMPLETE_REASONS}
                chosen={null}
                takesFocus
                onChoose={(reason) => submit('accept-incomplete', { reason, words: why.words })}
              />
              <ReasonWords
                value={why.words}
                required={false}
                onChange={(words) => setWhy({ ...why, words })}
              />
            </div>
          ) : null}
          <Button
            look="primary"
            size="big"
            wide
            chord="Alt+Enter"
            busy={isBusy}
            blocked={blocked}
            onClick={accept}
          >
            {acceptWord}
          </Button>
          <Button
            look="bad"
            wide
            chord="Alt+X"
            busy={isBusy}
            blocked={blocked || (reject.leaf ? null : t('quality.reason-first'))}
            onClick={turnDown}
          >
            {reject.all || images.length < 2
              ? t('quality.reject-exam')
              : t('quality.reject-image', { at: at + 1 })}
          </Button>
          <p className="button-reason">{blocked ?? ' '}</p>
        </div>
      </aside>
    </Screen>
  )
}

function refusedIn({ state, data: said }: { state: string; data: unknown }): string | null {
  if (state !== 'idle' || typeof said !== 'object' || said === null || !('sentence' in said)) return null
  return String(said.sentence)
}

/** Opening an exam that is free takes it; somebody else's stays theirs. */
function useClaimOnce(
  item: QualityCheck['item'],
  claiming: { submit: (form: Record<string, string>, to: { method: 'post'; action: string }) => unknown },
): void {
  const asked = useRef(false)
  useEffect(() => {
    if (asked.current || item.state !== 'open') return
    asked.current = true
    void claiming.submit({ intent: 'claim' }, { method: 'post', action: here(item.id) })
  }, [item.state, item.id, claiming])
}

const here = (itemId: string) => `/quality-check/${itemId}`

function blockedBy({
  item,
  isMine,
  isLost,
}: {
  item: QualityCheck['item']
  isMine: boolean
  isLost: boolean
}): string | null {
  if (item.state === 'completed') return t('quality.decided')
  if (item.state === 'cancelled') return t('quality.not-wanted')
  if (isLost) return t('quality.lost')
  if (isMine) return null
  return item.holder ? t('quality.held-by', { name: item.holder.name }) : t('reading.claiming')
}

function ToCheck({ toCheck, chosen }: { toCheck: ListedCase[]; chosen: string | null }) {
  return (
    <>
      <header>
        <h2>{t('quality.to-check')}</h2>
        <span className="text-3">{count(toCheck.length)}</span>
      </header>
      <ul className="quality-list">
        {toCheck.map((row) => (
          <li key={row.id} data-order={row.orderId} data-accession={row.accession}>
            <Link to={here(row.id)} aria-current={row.id === chosen ? 'true' : undefined}>
              <span className="quality-list-name">
                <PatientName name={row.name} similar={row.isSimilar} />
              </span>
              <span className="small text-2 ellipsis">{row.procedure}</span>
              <TimeLeft allowance={{ dueAt: row.dueAt, from: row.dueFrom, lateAt: row.lateAt }} />
              <span className="quality-list-tags">
                {row.priority === 'routine' ? null : <Priority value={row.priority} />}
                {row.kind === 'complete' ? (
                  <span className="tag risk">{t('quality.missing', { n: row.images?.missing ?? 0 })}</span>
                ) : null}
                {row.holder ? (
                  <span className={row.isMine ? 'tag you' : 'tag'}>
                    <Glyph name="lock" /> {row.isMine ? t('claim.you') : row.holder.name}
                  </span>
                ) : null}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {toCheck.length === 0 ? <p className="quality-note small text-3">{t('quality.empty')}</p> : null}
    </>
  )
}

function OrderFacts({ check }: { check: QualityCheck }) {
  const zone = useZone()
  const { order, exam, requester } = check
  const times = [exam.startedAt, exam.endedAt].map((at) => (at ? clockTime(at, zone) : NONE))
  return (
    <section className="quality-facts">
      <h2 className="label">{t('quality.order')}</h2>
      <p className="strong">{order.procedure}</p>
      <dl className="pairs small">
        <dt>{t('quality.reason')}</dt>
        <dd>{check.reason ?? NONE}</dd>
        <dt>{t('quality.asked-by')}</dt>
        <dd>{[requester?.prefix, requester?.given, requester?.family].filter(Boolean).join(' ') || NONE}</dd>
        <dt>{t('quality.exam')}</dt>
        <dd>
          {exam.inferred ? '≈ ' : ''}
          {t('quality.exam-times', { from: times[0] ?? NONE, to: times[1] ?? NONE, room: exam.room ?? NONE })}
        </dd>
        <dt>{t('quality.protocol')}</dt>
        <dd>{check.protocol ?? NONE}</dd>
        {check.decisions.map((decision) => (
          <Earlier key={decision.cycle} decision={decision} />
        ))}
      </dl>
    </section>
  )
}

function Earlier({ decision }: { decision: QualityCheck['decisions'][number] }) {
  const zone = useZone()
  const { verdict, reasonCodes, by, at } = decision
  const words = reasonCodes.map((code) => wordFor('reject', code)).join(', ')
  return (
    <>
      <dt>{t('quality.before')}</dt>
      <dd>
        {t(verdict === 'accepted' ? 'quality.was-accepted' : 'quality.was-rejected', {
          name: by,
          time: clockTime(at, zone),
        })}
        {words ? ` · ${words}` : ''}
      </dd>
    </>
  )
}

function OwnRejects({ rejects }: { rejects: { looks: number; rejected: number } }) {
  return (
    <p className="quality-note small text-3">
      {t('quality.own-rejects', { rejected: count(rejects.rejected), looks: count(rejects.looks) })}
    </p>
  )
}

/** An address under this session's launch: nothing else of the archive can be asked for. */
function addressOf(
  viewer: string | null,
  studyUid: string,
  object: StoredObject,
  kind: 'rendered' | 'thumbnail' = 'rendered',
): string | null {
  const launch = viewer && new URLSearchParams(viewer.slice(viewer.indexOf('?'))).get('launch')
  if (!launch || object.rejectedCode) return null
  return `/dicom-web/launch/${launch}/studies/${studyUid}/series/${object.seriesUid}/instances/${object.uid}/${kind}`
}

interface PictureProps {
  object: StoredObject
  address: string | null
  at: number
  total: number
}

function Picture({ object, address, at, total }: PictureProps) {
  const words = [object.modality, object.description, object.view].filter(Boolean).join(' · ')
  const [failed, setFailed] = useState<string | null>(null)
  return (
    <figure>
      {address && failed !== address ? (
        <img
          src={address}
          alt={t('quality.image-of', { at: at + 1, total, words })}
          onError={() => setFailed(address)}
        />
      ) : (
        <p className="text-3">{object.rejectedCode ? t('quality.hidden') : t('quality.no-picture')}</p>
      )}
      <figcaption>
        <span>{words}</span>
        <span>{t('quality.image-at', { at: at + 1, total })}</span>
        {object.frames > 1 ? <span>{t('quality.frames', { n: object.frames })}</span> : null}
      </figcaption>
      {object.rejectedCode ? (
        <p className="tag late">
          <Glyph name="cross" /> {t('quality.rejected')}
        </p>
      ) : null}
    </figure>
  )
}

/** Beyond this many images a series stands in the strip as one, drawn by its middle image. */
const MOST_IN_STRIP = 24

interface StripProps {
  images: StoredObject[]
  others: number
  at: number
  onChoose: (at: number) => void
  addressOf: (object: StoredObject) => string | null
  children: React.ReactNode
}

function Strip({ images, others, at, onChoose, addressOf: address, children }: StripProps) {
  const cells = stripOf(images)
  return (
    <section className="panel quality-strip" aria-label={t('quality.strip')}>
      <ul>
        {cells.map(({ object, from, to, n }) => {
          const picture = address(object)
          const isChosen = at >= from && at <= to
          return (
            <li key={object.uid}>
              <button
                type="button"
                aria-pressed={isChosen}
                onClick={() => onChoose(n > 1 ? Math.floor((from + to) / 2) : from)}
              >
                <span className="quality-thumb">
                  {picture ? (
                    <img src={picture} alt="" loading="lazy" />
                  ) : (
                    <Glyph name={object.rejectedCode ? 'cross' : 'image'} />
                  )}
                </span>
                <span className="small strong ellipsis">
                  {object.description || object.view || object.modality}
                </span>
                <span className="small text-3">
                  {object.rejectedCode
                    ? t('quality.rejected')
                    : n > 1
                      ? t('scan.images-count', { n })
                      : t('quality.image-number', { n: from + 1 })}
                </span>
              </button>
            </li>
          )
        })}
      </ul>
      <div className="quality-strip-end">
        {others ? <p className="small text-3">{t('quality.others', { n: others })}</p> : null}
        {children}
      </div>
    </section>
  )
}

interface StripCell {
  object: StoredObject
  from: number
  to: number
  n: number
}

function stripOf(images: StoredObject[]): StripCell[] {
  if (images.length <= MOST_IN_STRIP) return images.map((object, at) => ({ object, from: at, to: at, n: 1 }))
  const cells: StripCell[] = []
  for (const [at, object] of images.entries()) {
    const last = cells.at(-1)
    if (last && last.object.seriesUid === object.seriesUid) {
      last.to = at
      last.n += 1
    } else cells.push({ object, from: at, to: at, n: 1 })
  }
  return cells.map((cell) => ({
    ...cell,
    object: images[Math.floor((cell.from + cell.to) / 2)] ?? cell.object,
  }))
}

function Evidence({ check }: { check: QualityCheck }) {
  const zone = useZone()
  const { study, order, exam } = check
  const time = (at: Date) => clockTime(at, zone, { seconds: true })
  const agrees =
    order.identifiers.some(({ value }) => value === study.says.patientId) &&
    study.says.accession === order.accession
  return (
    <section className="quality-evidence">
      <header>
        <h2 className="strong">{t('quality.complete')}</h2>
        <Verdict study={study} />
      </header>
      <ul>
        {study.mppsFinalAt ? (
          <Line state="ok">{t('quality.scanner-closed', { time: time(study.mppsFinalAt) })}</Line>
        ) : (
          <Line state={exam.inferred ? 'inferred' : 'look'}>
            {exam.inferred ? t('quality.scanner-silent') : t('quality.scanner-open')}
          </Line>
        )}
        {study.missing > 0 ? (
          <Line state="look">
            {t('quality.named-missing', { missing: count(study.missing), named: count(study.named) })}
          </Line>
        ) : study.named > 0 ? (
          <Line state="ok">{t('quality.named-stored', { named: count(study.named) })}</Line>
        ) : (
          <Line state="none">{t('quality.named-none')}</Line>
        )}
        {study.notNamed > 0 && study.named > 0 ? (
          <Line state="look">
            {t('quality.not-named', { n: study.notNamed, count: count(study.notNamed) })}
          </Line>
        ) : null}
        {study.seen.includes('commitment') ? <Line state="ok">{t('quality.committed')}</Line> : null}
        {study.lacking.includes('commitment') ? <Line state="look">{t('quality.not-committed')}</Line> : null}
        {study.endExamAt ? (
          <Line state="ok">{t('quality.ended-here', { time: time(study.endExamAt) })}</Line>
        ) : (
          <Line state="none">{t('quality.not-ended-here')}</Line>
        )}
        {study.stored > 0 ? (
          <Line state={agrees ? 'ok' : 'differs'}>
            {agrees
              ? t('quality.agree')
              : t('quality.disagree', {
                  patientId: study.says.patientId || NONE,
                  accession: study.says.accession || NONE,
                })}
          </Line>
        ) : null}
        {study.acceptedIncompleteAt ? (
          <Line state="look">
            {t('quality.accepted-incomplete', { time: time(study.acceptedIncompleteAt) })}
          </Line>
        ) : null}
      </ul>
    </section>
  )
}

function Verdict({ study }: { study: QualityCheck['study'] }) {
  const look = { complete: 'ok', inferred: 'ok', incomplete: 'risk', waiting: '' }[study.verdict]
  return (
    <span className={`tag push ${look}`}>
      <Glyph
        name={study.verdict === 'complete' ? 'check' : study.verdict === 'inferred' ? 'inferred' : 'look'}
      />
      {t(`quality.verdict-${study.verdict}`, { n: study.missing })}
    </span>
  )
}

type LineState = 'ok' | 'inferred' | 'look' | 'differs' | 'none'
const LINE: Record<LineState, [GlyphName, string]> = {
  ok: ['check', 'ok'],
  inferred: ['inferred', 'text-2'],
  look: ['look', 'risk'],
  differs: ['cross', 'late'],
  none: ['dash', 'text-3'],
}

function Line({ state, children }: { state: LineState; children: React.ReactNode }) {
  const [glyph, tone] = LINE[state]
  return (
    <li>
      <span className={tone}>
        <Glyph name={glyph} />
      </span>
      <span className={state === 'look' || state === 'differs' ? tone : ''}>{children}</span>
    </li>
  )
}

interface Rejecting {
  branch: string | null
  leaf: string | null
  words: string
  repeated: boolean
  /** The whole exam, not only the image on the screen. */
  all: boolean
}

const NOTHING_CHOSEN: Rejecting = { branch: null, leaf: null, words: '', repeated: true, all: false }

const BRANCHES: Reason[] = REJECT_TREE.map(({ id }) => ({ code: id, word: wordFor('reject', id) }))
const INCOMPLETE_REASONS: Reason[] = ['enough', 'lost', 'not-sendable', 'other'].map((code) => ({
  code,
  word: wordFor('incomplete', code),
  consequence: t('quality.readers-see'),
}))

interface RejectFormProps {
  reject: Rejecting
  onChange: (reject: Rejecting) => void
  image: { at: number; total: number } | null
  visible: number
}

function RejectForm({ reject, onChange, image, visible }: RejectFormProps) {
  const leaves = REJECT_TREE.find(({ id }) => id === reject.branch)?.leaves ?? []
  const all = reject.all || image === null || image.total < 2
  return (
    <section className="quality-reject">
      <header>
        <h2 className="strong">
          {all ? t('quality.reject-all', { n: visible }) : t('quality.reject-one', { ...image })}
        </h2>
        {image && image.total > 1 ? (
          <span className="segments push">
            <button
              type="button"
              aria-pressed={!reject.all}
              onClick={() => onChange({ ...reject, all: false })}
            >
              {t('quality.this-image')}
            </button>
            <button
              type="button"
              aria-pressed={reject.all}
              onClick={() => onChange({ ...reject, all: true })}
            >
              {t('quality.whole-exam')}
            </button>
          </span>
        ) : null}
      </header>
      <div className="quality-tree">
        <ReasonPicker
          label={t('quality.reject-why')}
          reasons={BRANCHES}
          chosen={reject.branch}
          onChoose={(branch) => {
            const own = REJECT_TREE.find(({ id }) => id === branch)?.leaves ?? []
            onChange({ ...reject, branch, leaf: own.length === 1 ? (own[0] ?? null) : null })
          }}
        />
        <div>
          {reject.branch ? (
            <>
              <p className="label quality-tree-head">{wordFor('reject', reject.branch)}</p>
              <ReasonPicker
                key={reject.branch}
                label={wordFor('reject', reject.branch)}
                reasons={leaves.map((code) => ({ code, word: wordFor('reject', code) }))}
                chosen={reject.leaf}
                takesFocus
                onChoose={(leaf) => onChange({ ...reject, leaf })}
              />
              <p className="label quality-tree-head">{t('quality.then')}</p>
              <div className="reasons" role="radiogroup" aria-label={t('quality.then')}>
                <Then
                  letter="R"
                  word={t('quality.repeated')}
                  chosen={reject.repeated}
                  onChoose={() => onChange({ ...reject, repeated: true })}
                />
                <Then
                  letter="K"
                  word={t('quality.kept')}
                  chosen={!reject.repeated}
                  onChoose={() => onChange({ ...reject, repeated: false })}
                />
              </div>
            </>
          ) : (
            <p className="quality-note small text-3">{t('quality.what-rejecting-does')}</p>
          )}
        </div>
      </div>
      {reject.leaf ? (
        <div className="quality-words">
          <ReasonWords
            value={reject.words}
            required={NEEDS_WORDS.has(reject.leaf)}
            onChange={(words) => onChange({ ...reject, words })}
          />
        </div>
      ) : null}
    </section>
  )
}

function Then({
  letter,
  word,
  chosen,
  onChoose,
}: {
  letter: string
  word: string
  chosen: boolean
  onChoose: () => void
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a radio button can't hold the row's key cap
    <button type="button" role="radio" aria-checked={chosen} onClick={onChoose}>
      <Keys chord={letter} />
      <span>{word}</span>
      {chosen ? <Glyph name="check" /> : null}
    </button>
  )
}

function Renewed({ at }: { at: string }) {
  return <span>{t('room.lease', { time: clockTime(new Date(at), useZone(), { seconds: true }) })}</span>
}

const iso = (at: Date | null) => at?.toISOString() ?? null
