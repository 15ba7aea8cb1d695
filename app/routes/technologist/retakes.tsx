/** What did a reader ask of us, about which images, and what do we answer? */
import './quality-check.css'
import './retakes.css'
import { useState } from 'react'
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
import { requireUser } from '#app/server/guard.ts'
import { viewerAddress } from '#app/server/launches.ts'
import { answer } from '#app/server/refusal.ts'
import { answerReturn } from '#db/mutations/returns.ts'
import { orderIdentity } from '#db/queries/reading-room.ts'
import { type AskedReturn, askedReturn, type OpenReturn, openReturns } from '#db/queries/returns.ts'
import { similarToday } from '#db/queries/similar-people.ts'
import { can } from '#domain/permissions.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, count } from '../../ui/format.ts'
import { IdentityBanner } from '../../ui/identity-banner.tsx'
import { EmptyState, ErrorLine } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { Priority } from '../../ui/priority.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { addressOf, Picture, Strip } from './exam-pictures.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('retakes'))
  const { person, server } = signedIn
  const { sql } = server.department
  const open = await openReturns(sql, person.actor)
  const { returnId } = args.params
  const asked = returnId ? await askedReturn(sql, returnId) : null
  if (returnId && !(asked && can(person.actor, 'clarify', { siteId: asked.siteId }).allowed))
    throw data(null, { status: 404 })
  if (!asked) return { open, asked: null, order: null, viewer: null, similar: [] }
  const now = await server.department.now()
  const { orderId, studyUid } = asked
  return {
    open,
    asked,
    order: await orderIdentity(sql, orderId),
    viewer: await viewerAddress(signedIn, { orderId, purpose: 'quality', studies: [studyUid] }),
    similar: await similarToday(sql, person.actor, { orderId, now }),
  }
}

/** `intent`: answer (words) · not-possible (words: why there will be no retake). */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args, rolesWith('retakes'))
  const form = await args.request.formData()
  const intent = String(form.get('intent') ?? '')
  if (intent !== 'answer' && intent !== 'not-possible') throw data(null, { status: 400 })
  const answered = await answer(async () => {
    await answerReturn(server.department, await act(), {
      returnId: args.params.returnId ?? '',
      answer: intent === 'answer' ? 'answered' : 'not-possible',
      words: String(form.get('words') ?? ''),
    })
    return {}
  })
  return answered.ok ? redirect('/retakes') : answered
}

export function meta() {
  return [{ title: `${t('nav.retakes')} · ${t('app.name')}` }]
}

const TOPICS = [
  'returns',
  'return.asked',
  'return.answered',
  'step.scheduled',
  'step.started',
  'step.departed',
]

export default function Retakes() {
  const { open, asked, order, viewer, similar } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const navigate = useNavigate()
  // By question: what was typed for one patient, and what was refused of it, stands beside no other.
  const answering = useFetcher<typeof action>({ key: `answer:${asked?.id}` })
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const words = (asked && typed[asked.id]) ?? ''
  const isBusy = answering.state !== 'idle'
  const refused = !isBusy && answering.data && !answering.data.ok ? answering.data.sentence : null
  const blocked = !asked?.isOpen
    ? t('retakes.answered-already')
    : words.trim() === '' && t('retakes.needs-words')
  const isRetake = asked?.kind === 'retake'
  function send(): void {
    if (!asked || blocked || isBusy) return
    void answering.submit({ intent: isRetake ? 'not-possible' : 'answer', words }, { method: 'post' })
  }
  const word = t(!asked ? 'retakes.first' : isRetake ? 'retakes.not-possible' : 'retakes.answer')
  const [first] = open
  const openFirst = () => first && void navigate(`/retakes/${first.id}`)
  return (
    <Screen
      label={t('nav.retakes')}
      className="retakes"
      keys={[
        { chord: 'Alt+Enter', word, run: asked ? send : openFirst, disabled: !asked && !first },
        {
          chord: 'Alt+L',
          word: t('reading.timeline'),
          run: () => asked && void navigate(`/orders/${asked.orderId}`),
          disabled: !asked,
        },
        { chord: 'Alt+W', word: t('room.back'), run: () => void navigate('/retakes'), disabled: !asked },
      ]}
    >
      <h1 className="visually-hidden">{t('nav.retakes')}</h1>
      <aside className="panel retakes-list queue-list" aria-label={t('retakes.open')}>
        <header>
          <h2>{t('retakes.open')}</h2>
          <span className="text-3">{count(open.length)}</span>
        </header>
        <ul>
          {open.map((one) => (
            <Row key={one.id} row={one} isChosen={one.id === asked?.id} />
          ))}
        </ul>
      </aside>
      {asked && order ? (
        <>
          <div className="retakes-centre">
            <IdentityBanner
              identity={{ ...order, phase: undefined }}
              similar={{ orderId: order.id, people: similar }}
            />
            <Marked key={asked.id} asked={asked} viewer={viewer} />
          </div>
          <section className="panel retakes-question" aria-label={t('retakes.question')}>
            <Question asked={asked} />
            {refused ? <ErrorLine>{refused}</ErrorLine> : null}
            <label className="field">
              <span>{t(isRetake ? 'retakes.why-not' : 'retakes.your-answer')}</span>
              <textarea
                key={asked.id}
                ref={takeFocus}
                className="input"
                rows={4}
                value={words}
                onChange={(e) => setTyped({ ...typed, [asked.id]: e.target.value })}
              />
            </label>
            <Button
              look="primary"
              size="big"
              wide
              chord="Alt+Enter"
              busy={isBusy}
              blocked={blocked}
              onClick={send}
            >
              {word}
            </Button>
            <p className="button-reason">{blocked || t('retakes.consequence')}</p>
          </section>
        </>
      ) : (
        <section className="panel retakes-nothing">
          <EmptyState title={t(open.length > 0 ? 'retakes.choose' : 'retakes.empty')}>
            {t('retakes.empty-why')}
          </EmptyState>
          {first ? (
            <Button look="primary" chord="Alt+Enter" onClick={openFirst}>
              {word}
            </Button>
          ) : null}
        </section>
      )}
    </Screen>
  )
}

/** For `ref`: a question that was opened by keys is answered by keys. */
function takeFocus(field: HTMLTextAreaElement | null): void {
  field?.focus()
}

function Row({ row, isChosen }: { row: OpenReturn; isChosen: boolean }) {
  return (
    <li data-order={row.orderId} data-accession={row.accession}>
      <Link to={`/retakes/${row.id}`} aria-current={isChosen ? 'true' : undefined}>
        <span className="retakes-name">
          <PatientName name={row.name} />
        </span>
        <span className="small text-2 ellipsis retakes-name">{row.procedure}</span>
        <span className="small retakes-name">
          {wordFor('return', row.kind)} · {wordFor('return-reason', row.reason)}
        </span>
        <Priority value={row.priority} />
        <TimeLeft
          allowance={{ dueAt: row.dueAt.toISOString(), from: row.askedAt.toISOString(), lateAt: null }}
        />
      </Link>
    </li>
  )
}

/** The images that the reader marked; without any the question is about all of them. */
function Marked({ asked, viewer }: { asked: AskedReturn; viewer: string | null }) {
  const [at, setAt] = useState(0)
  const shown = asked.marked[at]
  if (!shown)
    return (
      <div className="retakes-image">
        {viewer ? (
          <iframe src={viewer} title={t('room.images')} />
        ) : (
          <p className="text-3">{t('room.no-images')}</p>
        )}
      </div>
    )
  return (
    <>
      <div className="retakes-image">
        <Picture
          object={shown}
          address={addressOf(viewer, asked.studyUid, shown)}
          at={at}
          total={asked.marked.length}
        />
      </div>
      <Strip
        images={asked.marked}
        others={0}
        at={at}
        onChoose={setAt}
        addressOf={(object) => addressOf(viewer, asked.studyUid, object, 'thumbnail')}
      >
        <p className="small text-3">{t('retakes.marked', { n: asked.marked.length })}</p>
      </Strip>
    </>
  )
}

function Question({ asked }: { asked: AskedReturn }) {
  const zone = useZone()
  const { kind, reason, words, askedBy, askedAt, step } = asked
  return (
    <div className="stack">
      <h2>
        {wordFor('return', kind)}: {wordFor('return-reason', reason)}
      </h2>
      {words ? <p>{words}</p> : null}
      <p className="small text-2">
        {t('retakes.asked-by', { who: askedBy, time: clockTime(askedAt, zone) })}
      </p>
      {step ? (
        <p className="small">
          {step.plannedStart && step.room
            ? t('retakes.step-booked', { room: step.room, time: clockTime(step.plannedStart, zone) })
            : t('retakes.step-waits')}
        </p>
      ) : null}
    </div>
  )
}
