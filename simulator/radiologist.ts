/** A radiologist: takes the next case, looks, writes, keeps the claim alive, signs with the password, goes on. */
import { READING_MINUTES } from './pace.ts'
import { type Answered, type PersonOptions, report, runPerson } from './person.ts'
import { reportText } from './report-text.ts'
import type { WebSession } from './web-session.ts'

interface ReadingList {
  /** JSON of the whole list: the numbers of its rows in order, and each row by its number. */
  answer: string
}

interface ListAnswer {
  list: { order: number[]; rows: Record<string, ListedCase> }
}

interface ListedCase {
  id: string
  isMine: boolean
}

interface ReadingRoom {
  room: {
    item: { fence: number }
    order: { modality: string; area: string }
    report: { id: string } | null
  }
  sections: { key: string; text: string }[]
  isMine: boolean
  viewer: string | null
}

export function runRadiologist(options: PersonOptions): Promise<void> {
  return runPerson(options, async (session) => {
    const itemId = await nextCase(session)
    if (itemId === undefined) return options.pace.wait(options.pace.minutes(LOOKS_AGAIN_MINUTES))
    await readCase(options, session, itemId)
  })
}

const LOOKS_AGAIN_MINUTES = 0.2

/** The case already claimed, else the next free one; none: the list is empty for this reader. */
export async function nextCase(session: WebSession): Promise<string | undefined> {
  const { answer } = await session.page<ReadingList>('/reading')
  const { list } = JSON.parse(answer) as ListAnswer
  const cases = list.order.flatMap((number) => list.rows[number] ?? [])
  const mine = cases.find(({ isMine }) => isMine)
  if (mine) return mine.id
  if (cases.length === 0) return undefined
  const { redirect } = await session.submit('/reading', { intent: 'next' })
  return redirect?.split('/')[2]?.split('?')[0]
}

async function readCase(options: PersonOptions, session: WebSession, itemId: string): Promise<void> {
  const { pace, random } = options
  const address = `/reading/${itemId}`
  const { room, sections, isMine, viewer } = await session.page<ReadingRoom>(address)
  if (!isMine || !room.report) return pace.wait(pace.minutes(LOOKS_AGAIN_MINUTES))
  const held = { fence: room.item.fence, reportId: room.report.id }
  const heart = beat(session, { itemId, fence: held.fence })
  try {
    if (viewer) await (await session.get(viewer)).arrayBuffer()
    const minutes = (READING_MINUTES[room.order.modality] ?? 2) * random.between(0.6, 1.5)
    await pace.wait(pace.minutes(minutes / 2))
    const written = JSON.stringify(write(sections, reportText(random, room.order)))
    const saved = await session.submit<Answered>(address, { intent: 'save', ...held, sections: written })
    report(options, 'save', saved.data)
    await pace.wait(pace.minutes(minutes / 2))
    const { password } = session
    const signed = await session.submit<Answered>(address, {
      intent: 'sign',
      ...held,
      sections: written,
      password,
    })
    if (report(options, 'sign', signed.data)) return
    // What cannot be signed now is somebody else's: a person would say why and go on.
    const skipped = await session.submit<Answered>(address, { intent: 'skip', ...held, reason: 'other' })
    report(options, 'skip', skipped.data)
  } finally {
    clearInterval(heart)
  }
}

const HEARTBEAT_MS = 30_000

/** On the machine's clock, as the screen does it: a lease is two minutes long at every speed. */
function beat(session: WebSession, held: { itemId: string; fence: number }): NodeJS.Timeout {
  return setInterval(() => {
    session.post('/reading/heartbeat', held).then(
      (response) => response.arrayBuffer(),
      () => {}, // the next one may get through
    )
  }, HEARTBEAT_MS)
}

function write(
  sections: ReadingRoom['sections'],
  text: { findings: string; impression: string },
): ReadingRoom['sections'] {
  const own: Record<string, string> = { ...text }
  return sections.map((section) => ({ ...section, text: own[section.key] ?? section.text }))
}
