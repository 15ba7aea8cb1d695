/** A sender in a process of its own: makes images in memory, sends them over some associations, says how long it took. */

import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { openAssociation } from '#archive/scu/association.ts'
import { storeOn } from '#archive/scu/store.ts'
import { bytesOf, images, KINDS, type Kind } from './images.ts'

export interface Blast {
  host: string
  port: number
  calledAe: string
  callingAe: string
  kind: Kind
  count: number
  associations: number
}

export interface Blasted {
  /** From the first byte of the first object to the last answer. */
  ms: number
  bytes: number
  studyUid: string
  seriesUid: string
  sopInstanceUids: string[]
}

const blast = JSON.parse(process.argv[2]!) as Blast
const waiting = images(blast.kind, blast.count)
const first = waiting[0]!
const peer = {
  host: blast.host,
  port: blast.port,
  calledAe: blast.calledAe,
  callingAe: blast.callingAe,
}
const contexts = [{ abstractSyntax: KINDS[blast.kind].sopClassUid, transferSyntaxes: [EXPLICIT_LITTLE] }]
const associations = await Promise.all(
  Array.from({ length: blast.associations }, () =>
    openAssociation(peer, { contexts, timers: { responseMs: 120_000 } }),
  ),
)
const all = [...waiting]
const begun = performance.now()
await Promise.all(
  associations.map(async (association) => {
    for (let image = waiting.pop(); image; image = waiting.pop()) {
      const { pieces, sopClassUid, sopInstanceUid } = image
      const status = await storeOn(association, {
        sopClassUid,
        sopInstanceUid,
        transferSyntaxUid: EXPLICIT_LITTLE,
        bytes: () => inTurn(pieces),
      })
      if (status !== 0) throw new Error(`a C-STORE was answered ${status.toString(16)}`)
    }
  }),
)
const ms = performance.now() - begun
await Promise.all(associations.map((association) => association.release()))
const done: Blasted = {
  ms,
  bytes: all.reduce((sum, image) => sum + bytesOf(image), 0),
  studyUid: first.studyUid,
  seriesUid: first.seriesUid,
  sopInstanceUids: all.map(({ sopInstanceUid }) => sopInstanceUid),
}
process.stdout.write(JSON.stringify(done))

async function* inTurn(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces
}
