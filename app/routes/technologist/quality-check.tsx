/** Is it complete, by what evidence, and may it go to reading? */
import './quality-check.css'
import { useEffect, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
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
import { policyOf } from '#db/queries/policy.ts'
import { protocolsOfStudy } from '#db/queries/protocols.ts'
import { ownRejects, type QualityCheck, qualityCheck } from '#db/queries/quality-check.ts'
import { type OtherPerson, similarToday } from '#db/queries/similar-people.ts'
import { worklist } from '#db/queries/worklists.ts'
import { RadiologyError } from '#domain/errors.ts'
import { compareProtocols, type ProtocolComparison } from '#domain/protocol.ts'
import type { WorkItemKind } from '#domain/words.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { useLease } from '../../reporting/use-lease.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, count } from '../../ui/format.ts'
import { IdentityBanner } from '../../ui/identity-banner.tsx'
import { MainAct } from '../../ui/main-act.tsx'
import { EmptyState, ErrorLine } from '../../ui/messages.tsx'
import { type Reason, ReasonPicker, ReasonWords } from '../../ui/reason-picker.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { type ListedCase, listedCases } from '../../worklist/listed-case.ts'
import { Evidence } from './exam-evidence.tsx'
import { OrderFacts, OwnRejects } from './exam-facts.tsx'
import { addressOf, Picture, Strip } from './exam-pictures.tsx'
import { NOTHING_CHOSEN, RejectForm, type Rejecting } from './reject-form.tsx'
import { isRejectReason, NEEDS_WORDS } from './reject-tree.ts'
import { here, ToCheck } from './to-check.tsx'

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
  const { planned, performed } = check ? await protocolsOfStudy(sql, check.study.uid) : NO_PROTOCOLS
  return {
    protocols: compareProtocols(planned, performed),
    toCheck: await listed(signedIn),
    check,
    isMine: check?.item.state === 'claimed' && check.item.holder?.id === person.id,
    viewer: check ? await viewerOf(signedIn, check) : null,
    similar: check ? await similarToday(sql, person.actor, { orderId: check.order.id, now }) : [],
    isLetOn: (await policyOf(sql)).quality.onTimeout.stat === 'accept-unchecked',
    rejects: await ownRejects(sql, person.id, new Date(now.getTime() - DAYS_30_MS)),
  }
}

const NO_PROTOCOLS = { planned: null, performed: [] }

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
  const { toCheck, check, protocols, isMine, viewer, rejects, similar, isLetOn } =
    useLoaderData<typeof loader>()
  useLive(check ? [...TOPICS, `order:${check.order.id}`] : TOPICS)
  return check ? (
    <OpenCheck
      key={check.item.id}
      check={check}
      protocols={protocols}
      isMine={isMine}
      viewer={viewer}
      toCheck={toCheck}
      rejects={rejects}
      similar={similar}
      isLetOn={isLetOn}
    />
  ) : (
    <NothingOpen toCheck={toCheck} rejects={rejects} isLetOn={isLetOn} />
  )
}

/** Nothing is taken by looking at the list: whoever opens an exam takes it. */
function NothingOpen({ toCheck, rejects, isLetOn }: Pick<OpenCheckProps, 'toCheck' | 'rejects' | 'isLetOn'>) {
  const navigate = useNavigate()
  const next = toCheck.find(({ holder, isMine }) => isMine || !holder)
  const open = () => void (next && navigate(here(next.id)))
  return (
    <Screen
      label={t('nav.quality-check')}
      className="quality-check"
      keys={next ? [{ chord: 'Alt+Enter', word: t('quality.next'), run: open }] : []}
    >
      <aside className="panel quality-left" aria-label={t('quality.to-check')}>
        <ToCheck toCheck={toCheck} chosen={null} isLetOn={isLetOn} />
        <OwnRejects rejects={rejects} />
      </aside>
      <section className="panel quality-nothing">
        <h1 className="visually-hidden">{t('nav.quality-check')}</h1>
        <EmptyState title={toCheck.length ? t('quality.choose') : t('quality.empty')}>
          {toCheck.length ? t('quality.choose-how') : t('quality.empty-why')}
        </EmptyState>
        {next ? (
          <Button look="primary" chord="Alt+Enter" onClick={open}>
            {t('quality.next')}
          </Button>
        ) : null}
      </section>
    </Screen>
  )
}

interface OpenCheckProps {
  check: QualityCheck
  protocols: ProtocolComparison
  isMine: boolean
  viewer: string | null
  toCheck: ListedCase[]
  rejects: { looks: number; rejected: number }
  similar: OtherPerson[]
  /** What nobody looked at in time goes on unchecked where it is STAT. */
  isLetOn: boolean
}

function OpenCheck(props: OpenCheckProps) {
  const { check, protocols, isMine, viewer, toCheck, rejects, similar, isLetOn } = props
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
        <ToCheck toCheck={toCheck} chosen={item.id} isLetOn={isLetOn} />
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
        <Evidence check={check} protocols={protocols} />
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
          <MainAct busy={isBusy} blocked={blocked} onClick={accept}>
            {acceptWord}
          </MainAct>
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

const INCOMPLETE_REASONS: Reason[] = ['enough', 'lost', 'not-sendable', 'other'].map((code) => ({
  code,
  word: wordFor('incomplete', code),
  consequence: t('quality.readers-see'),
}))

function Renewed({ at }: { at: string }) {
  return <span>{t('room.lease', { time: clockTime(new Date(at), useZone(), { seconds: true }) })}</span>
}

const iso = (at: Date | null) => at?.toISOString() ?? null
