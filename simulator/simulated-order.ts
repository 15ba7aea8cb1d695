/** What is ordered in a simulated day: which exam, for whom, how urgent, from where, and why. */
import { type CatalogueEntry, SEED_CATALOGUE } from '#domain/catalogue.ts'
import type { ProviderSaid } from '#domain/order-message.ts'
import type { Priority } from '#domain/words.ts'
import type { OrmContent } from './orm.ts'
import type { Random } from './random.ts'
import { syntheticPatient } from './synthetic-patient.ts'

/** Exams of the catalogue that the corpus has fitting images for: a reader never finds a head under an order for a knee. */
export const CORPUS_SERIES: Readonly<Record<string, readonly string[]>> = {
  '30799-1': ['ct-head'],
  '24727-0': ['ct-head'],
  '29252-4': ['ct-chest'],
  '24628-0': ['ct-chest'],
  '30804-9': ['ct-chest'],
  '30657-1': ['mr-head'],
  '24587-8': ['mr-head'],
  '36643-5': ['dx-chest'],
  '30746-2': ['dx-chest'],
  '24558-9': ['us-abdomen', 'us-cine'],
}

const WEIGHTS: readonly [readonly [string, number], ...(readonly [string, number])[]] = [
  ['36643-5', 26],
  ['30746-2', 14],
  ['30799-1', 16],
  ['24727-0', 4],
  ['29252-4', 8],
  ['24628-0', 7],
  ['30804-9', 6],
  ['30657-1', 6],
  ['24587-8', 5],
  ['24558-9', 8],
]

const REASONS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  neuro: ['Fall with head injury, bleeding?', 'Sudden headache', 'Known lesion, follow-up', 'First seizure'],
  chest: ['Fever and cough, pneumonia?', 'Shortness of breath', 'Before operation', 'Line position'],
  abdomen: ['Pain in the right upper abdomen', 'Raised liver enzymes', 'Gallstones?'],
}

const REQUESTERS: readonly [ProviderSaid, ...ProviderSaid[]] = [
  { id: 'SYN-D01', name: { family: 'Ferreira', given: 'Luís', prefix: 'Dr' } },
  { id: 'SYN-D02', name: { family: 'Ekström', given: 'Åsa', prefix: 'Dr' } },
  { id: 'SYN-D03', name: { family: 'Haddad', given: 'Samir', prefix: 'Dr' } },
  { id: 'SYN-D04', name: { family: 'Kowalczyk', given: 'Małgorzata', prefix: 'Dr' } },
]

/** Few enough that people come again, and have priors. */
const POPULATION = 400

export interface SimulatedOrder {
  content: OrmContent & { placer: string; priority: Priority }
  entry: CatalogueEntry
}

/** One order; the start, if any, is for whoever knows which room is free. */
export function simulatedOrder(
  random: Random,
  placer: string,
  wanted: { code?: string; priority?: Priority } = {},
): SimulatedOrder {
  const entry = catalogueEntry(wanted.code ?? random.weighted(WEIGHTS))
  const patientClass = random.weighted([
    ['O', 50],
    ['I', 30],
    ['E', 20],
  ] as const)
  const priority = wanted.priority ?? priorityFor(random, patientClass)
  const { id, issuer, name, birthDate, sex } = syntheticPatient(1 + random.below(POPULATION))
  return {
    entry,
    content: {
      placer,
      patient: { id, issuer, name, birthDate, sex },
      visit: {
        patientClass,
        ...(patientClass === 'I'
          ? {
              location: {
                pointOfCare: `Ward ${1 + random.below(9)}`,
                room: String(101 + random.below(20)),
                bed: random.pick(['A', 'B']),
              },
            }
          : {}),
        ...(patientClass === 'E'
          ? { location: { pointOfCare: 'ED', room: String(1 + random.below(12)) } }
          : {}),
        number: `SYN-V${placer.slice(-8)}`,
      },
      priority,
      procedures: [{ code: entry.code, text: entry.name, scheme: entry.scheme, modality: entry.modality }],
      reason: random.pick(REASONS[entry.area] ?? ['Follow-up']),
      requester: random.pick(REQUESTERS),
    },
  }
}

function catalogueEntry(code: string): CatalogueEntry {
  const entry = SEED_CATALOGUE.find((one) => one.code === code)
  if (!entry) throw new Error(`the catalogue has no ${code}`)
  return entry
}

function priorityFor(random: Random, patientClass: 'O' | 'I' | 'E'): Priority {
  const stat = patientClass === 'E' ? 30 : 3
  return random.weighted<Priority>([
    ['stat', stat],
    ['urgent', patientClass === 'O' ? 5 : 30],
    ['routine', 100 - stat - (patientClass === 'O' ? 5 : 30)],
  ])
}
