/** The demonstration department: two sites, ten scanners, an account for every role, an EMR to deliver to. */
import { createHmac } from 'node:crypto'
import { SEED_DEVICES } from '#domain/seed-department.ts'
import { AREAS, type Role } from '#domain/words.ts'
import { connect, type TransactionSql } from '../client.ts'
import { hashToken } from '../mutations/sessions.ts'
import { hashPassword } from '../password.ts'
import { ulid } from '../ulid.ts'
import { seedBase, turnClock } from './base.ts'

export interface DemoSettings {
  /** Passwords and the token are derived from it, so that they need not be kept anywhere in clear. */
  secretKey: string
  listen: string
  ports: { emr: number; storeScp: number; moveScu: number; testScu: number }
  /** How fast the department's clock runs; default 1. */
  speed?: number
}

export interface Demonstration {
  accounts: { user: string; password: string; role: Role }[]
  tokens: { integration: string }
  devices: { aeTitle: string; modality: string; room: string | null; site: string }[]
  moveDestinations: { aeTitle: string; host: string; port: number }[]
}

interface Person {
  user: string
  family: string
  given: string
  prefix?: string
  role: Role
  /** What a placer calls them in ORC-12 (XCN-1). */
  number?: string
}

const people: readonly Person[] = [
  { user: 'tech', family: 'Brandão', given: 'Marta', role: 'technologist' },
  { user: 'tech2', family: 'Voss', given: 'Erik', role: 'technologist' },
  { user: 'radiologist', family: 'Okafor', given: 'Ifeoma', prefix: 'Dr', role: 'radiologist' },
  { user: 'radiologist2', family: 'Ruiz', given: 'Alba', prefix: 'Dr', role: 'radiologist' },
  { user: 'resident', family: 'Berg', given: 'Nils', prefix: 'Dr', role: 'resident' },
  { user: 'scheduler', family: 'Lindqvist', given: 'Saga', role: 'scheduler' },
  { user: 'lead', family: 'Moreau', given: 'Jeanne', role: 'lead' },
  { user: 'head', family: 'Lund', given: 'Ada', prefix: 'Prof', role: 'head' },
  { user: 'physicist', family: 'Haas', given: 'Tomas', prefix: 'Dr', role: 'physicist' },
  { user: 'referrer', family: 'Ferreira', given: 'Luís', prefix: 'Dr', role: 'referrer', number: 'SYN-D01' },
  { user: 'admin', family: 'Novak', given: 'Petra', role: 'admin' },
]

// DCMTK's tools work as they come, under the AE titles that they have by default.
const tools = ['TESTSCU', 'FINDSCU', 'STORESCU', 'MOVESCU', 'ECHOSCU', 'DCMSEND', 'GETSCU'] as const

/** Seeds what is missing and answers how to sign in; run again, it changes nothing a person has changed. */
export async function seedDemo(databaseUrl: string, settings: DemoSettings): Promise<Demonstration> {
  const demonstration = describe(settings)
  const sql = connect(databaseUrl, { name: 'seed', max: 1 })
  try {
    await sql.begin(async (tx) => {
      const seed = tx as TransactionSql
      await seedBase(seed, { policy: { unknownCallingAe: 'accept-and-flag' }, sites: ['MAIN', 'WEST'] })
      await seedRooms(seed)
      await seedDevices(seed, demonstration, settings)
      await seedPeople(seed, demonstration)
      await seedInterfaces(seed, settings)
      await seed`
        insert into api_tokens (token_hash, id, name, role, sites, created_by, created_at)
        values (${hashToken(demonstration.tokens.integration)}, ${ulid()}, 'demonstration', 'integration', ${['*']}, 'seed', ${new Date()})
        on conflict do nothing`
      await turnClock(seed, settings.speed ?? 1)
    })
  } finally {
    await sql.end()
  }
  return demonstration
}

function describe({ secretKey, listen, ports }: DemoSettings): Demonstration {
  const derive = (what: string, length: number) =>
    createHmac('sha256', secretKey).update(what).digest('base64url').replace(/[-_]/g, 'x').slice(0, length)
  const seeded = SEED_DEVICES.map(({ aeTitle, modality, room, siteId }) => ({
    aeTitle,
    modality,
    room,
    site: siteId,
  }))
  return {
    accounts: people.map(({ user, role }) => ({ user, password: derive(`account:${user}`, 12), role })),
    tokens: { integration: `iso_${derive('token:integration', 40)}` },
    devices: seeded,
    moveDestinations: [
      { aeTitle: 'STORESCP', host: listen, port: ports.storeScp },
      { aeTitle: 'MOVESCU', host: listen, port: ports.moveScu },
      { aeTitle: 'ORTHANC', host: listen, port: 4242 },
    ],
  }
}

async function seedRooms(sql: TransactionSql): Promise<void> {
  for (const [position, { room, siteId, modality }] of SEED_DEVICES.entries()) {
    await sql`
      insert into rooms (id, site_id, name, modality, position)
      values (${roomId(room)}, ${siteId}, ${room}, ${modality}, ${position}) on conflict do nothing`
  }
}

function roomId(name: string): string {
  return name.toLowerCase().replaceAll(' ', '-')
}

async function seedDevices(
  sql: TransactionSql,
  { moveDestinations }: Demonstration,
  { listen, ports }: DemoSettings,
): Promise<void> {
  for (const { aeTitle, siteId, room, modality, profile } of SEED_DEVICES) {
    await sql`
      insert into devices (id, ae_title, site_id, room_id, kind, modality, profile)
      values (${aeTitle}, ${aeTitle}, ${siteId}, ${roomId(room)}, 'modality', ${modality}, ${profile}) on conflict do nothing`
  }
  const listening = new Map<string, { host: string; port: number }>(
    moveDestinations.map((one) => [one.aeTitle, one]),
  )
  listening.set('TESTSCU', { host: listen, port: ports.testScu })
  for (const aeTitle of new Set([...tools, ...listening.keys()])) {
    const at = listening.get(aeTitle)
    await sql`
      insert into devices (id, ae_title, site_id, kind, profile, host, port)
      values (${aeTitle}, ${aeTitle}, 'MAIN', ${aeTitle === 'ORTHANC' ? 'archive' : 'tool'}, 'unknown', ${at?.host ?? null}, ${at?.port ?? null})
      on conflict (id) do update set port = excluded.port where devices.port is distinct from excluded.port and devices.kind = 'tool'`
  }
}

async function seedPeople(sql: TransactionSql, { accounts }: Demonstration): Promise<void> {
  for (const { user, family, given, prefix, role } of people) {
    const [known] = await sql`select 1 from users where user_name = ${user}`
    if (known) continue
    const reads = role === 'radiologist' || role === 'resident'
    const credentials = reads
      ? ['reading', 'paediatric', 'mammography'].map((name) => ({
          name,
          site: '*',
          validUntil: '2099-12-31',
        }))
      : []
    await sql`
      insert into users (id, user_name, name, family, given, prefix, password_hash, roles, sites, areas, credentials, created_at)
      values (${ulid()}, ${user}, ${[prefix, `${given[0]}.`, family].filter(Boolean).join(' ')}, ${family}, ${given}, ${prefix ?? null},
        ${await hashPassword(accounts.find((account) => account.user === user)!.password)}, ${[role]}, ${['MAIN', 'WEST']},
        ${reads ? [...AREAS] : []}, ${sql.json(credentials)}, ${new Date()})`
  }
  for (const { user, number } of people.filter((person) => person.number)) {
    await sql`
      insert into physician_numbers (value, user_id) select ${number!}, id from users where user_name = ${user}
      on conflict do nothing`
  }
}

async function seedInterfaces(sql: TransactionSql, { listen, ports }: DemoSettings): Promise<void> {
  const agreement = {
    application: 'ISOCENTER',
    authority: 'MAIN',
    authorityFor: ['accession', 'study-uid', 'schedule'],
    processingIds: ['P', 'T', 'D'],
    localScheme: '99MAIN',
  }
  await sql`
    insert into connections (id, site_id, policy) values ('default', 'MAIN', ${sql.json(agreement)}) on conflict do nothing`
  await sql`
    insert into destinations (id, name, kind, host, port, receiving_application, receiving_facility, policy)
    values ('emr', 'EMR', 'hl7-oru', ${listen}, ${ports.emr}, 'EMR', 'GENERAL',
      ${sql.json({ requesterRequired: false })})
    on conflict (id) do update set port = excluded.port`
}
