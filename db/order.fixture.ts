/** One order's facts as the tests of this folder bring them in: a message, a performed step, stored images, people. */
import { randomUUID } from 'node:crypto'
import { DEMONSTRATION } from '#bin/testing/demonstration.ts'
import type { OrderMessage } from '#domain/order-message.ts'
import { type Department, openDepartment } from './department.ts'
import { migrate } from './migrate.ts'
import { actOf } from './mutations/act.ts'
import type { InboundMessage } from './mutations/inbound-messages.ts'
import { uuidUid } from './mutations/minting.ts'
import type { Act } from './mutations/mutate.ts'
import type { StoredInstance } from './mutations/studies.ts'
import { seedDemo } from './seed/demo.ts'

/** A seeded demonstration department on its own database. */
export async function seededDepartment(databaseUrl: string): Promise<Department> {
  await migrate(databaseUrl)
  await seedDemo(databaseUrl, DEMONSTRATION)
  return openDepartment(databaseUrl, { name: 'test', max: 20 })
}

/** An act of a seeded person, now or at a given department instant. */
export async function actAs(department: Department, userName: string, now?: Date): Promise<Act> {
  const [row] =
    await department.sql`select id, roles, sites, areas, credentials from users where user_name = ${userName}`
  const actor = { kind: 'user', ...row } as unknown as Act['actor']
  return actOf(department, actor, 'app', now ? { now } : {})
}

/** A patient of their own with a CT head order; the fields named replace the usual ones. */
export function anOrder(more: Partial<OrderMessage> = {}): OrderMessage {
  const number = randomUUID().slice(0, 12)
  return {
    control: 'NW',
    placer: { value: `PL-${number}`, authority: 'EMR' },
    patient: {
      identifiers: [{ value: `SYN-${number}`, issuer: 'MAIN', type: 'MR' }],
      name: { alphabetic: { family: 'TESTPERSON', given: `VERA${number}` } },
      otherNames: [],
      birthDate: { value: '1978-02-14', precision: 'day' },
      sex: 'F',
      temporaryIdentity: false,
      comments: [],
    },
    priority: { level: 'stat', word: 'S' },
    requester: { id: '1001', authority: 'MAIN', name: { family: 'SAMPLE', given: 'OTTO' } },
    copiesTo: [],
    reason: { text: 'Known mass', codes: [] },
    indications: [],
    allergies: [],
    observations: [],
    notes: [],
    callBack: undefined,
    procedures: [aProcedure()],
    warnings: [],
    ...more,
  }
}

export function aProcedure(
  more: Partial<OrderMessage['procedures'][number]> = {},
): OrderMessage['procedures'][number] {
  return {
    code: '30799-1',
    scheme: 'LN',
    text: 'CT head',
    modifiers: [],
    otherIds: [],
    notes: [],
    steps: [{ aeTitles: ['CT1'] }],
    ...more,
  }
}

/** The envelope of a message: a control id of its own unless one is given. */
export function anEnvelope(more: Partial<InboundMessage> = {}): InboundMessage {
  const controlId = randomUUID().slice(0, 20)
  return {
    application: 'EMR',
    facility: 'GENERAL',
    controlId,
    messageType: 'ORM^O01',
    hash: controlId,
    raw: Buffer.from('MSH|^~\\&|'),
    connectionId: 'default',
    siteId: 'MAIN',
    peer: '127.0.0.1',
    ...more,
  }
}

/** `count` stored images of one series. */
export function storedImages(
  studyUid: string,
  count: number,
  more: Partial<StoredInstance> = {},
): StoredInstance[] {
  const seriesUid = uuidUid()
  return Array.from({ length: count }, (_, index) => {
    const sopInstanceUid = uuidUid()
    return {
      blob: randomUUID(),
      bytes: 1_000,
      datasetOffset: 300,
      sha256: randomUUID(),
      transferSyntaxUid: '1.2.840.10008.1.2.1',
      sopInstanceUid,
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
      seriesUid,
      studyUid,
      header: {
        '00080060': { vr: 'CS', Value: ['CT'] },
        '0020000D': { vr: 'UI', Value: [studyUid] },
        '00200013': { vr: 'IS', Value: [index + 1] },
      },
      pixel: null,
      frames: 1,
      sourceAe: 'CT1',
      peer: '127.0.0.1',
      ...more,
    }
  })
}
