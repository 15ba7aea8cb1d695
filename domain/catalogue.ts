/** The procedures of the seed department: code, room time, safety gates, preparation, area and who chooses the protocol. */
import type { Policy } from './policy.ts'
import type { Area, Modality, SafetyGate } from './words.ts'

export type CatalogueEntry = {
  /** LOINC code; `scheme` LN is its HL7 and DICOM designator. */
  code: string
  scheme: 'LN'
  name: string
  shortName: string
  modality: Modality
  slotMinutes: number
  /** Between arrival and the table: contrast, uptake, drinking. */
  prepMinutes: number
  gates: readonly SafetyGate[]
  fastingHours: number
  area: Area
  protocolling: 'rule' | 'reader'
  /** Two readers who don't know of each other. */
  doubleRead: boolean
  /** Body Part Examined (0018,0015), CID 4 defined terms. */
  bodyPart: string
  contrast: boolean
}

type Seed = Omit<
  CatalogueEntry,
  'scheme' | 'prepMinutes' | 'gates' | 'fastingHours' | 'doubleRead' | 'contrast'
> &
  Partial<Pick<CatalogueEntry, 'prepMinutes' | 'gates' | 'fastingHours' | 'doubleRead' | 'contrast'>>

const entry = (seed: Seed): CatalogueEntry => ({
  scheme: 'LN',
  prepMinutes: 0,
  gates: [],
  fastingHours: 0,
  doubleRead: false,
  contrast: false,
  ...seed,
})

const CONTRAST_GATES: readonly SafetyGate[] = ['pregnancy', 'contrast-allergy', 'egfr']

export const SEED_CATALOGUE: readonly CatalogueEntry[] = [
  entry({
    code: '30799-1',
    name: 'CT head without contrast',
    shortName: 'CT head w/o',
    modality: 'CT',
    slotMinutes: 10,
    gates: ['pregnancy'],
    area: 'neuro',
    protocolling: 'rule',
    bodyPart: 'HEAD',
  }),
  entry({
    code: '24727-0',
    name: 'CT head with contrast',
    shortName: 'CT head w',
    modality: 'CT',
    slotMinutes: 15,
    prepMinutes: 15,
    gates: CONTRAST_GATES,
    fastingHours: 2,
    area: 'neuro',
    protocolling: 'reader',
    bodyPart: 'HEAD',
    contrast: true,
  }),
  entry({
    code: '29252-4',
    name: 'CT chest without contrast',
    shortName: 'CT chest w/o',
    modality: 'CT',
    slotMinutes: 10,
    gates: ['pregnancy'],
    area: 'chest',
    protocolling: 'rule',
    bodyPart: 'CHEST',
  }),
  entry({
    code: '24628-0',
    name: 'CT chest with contrast',
    shortName: 'CT chest w',
    modality: 'CT',
    slotMinutes: 15,
    prepMinutes: 15,
    gates: CONTRAST_GATES,
    fastingHours: 2,
    area: 'chest',
    protocolling: 'reader',
    bodyPart: 'CHEST',
    contrast: true,
  }),
  entry({
    code: '30804-9',
    name: 'CT angiography chest without and with contrast',
    shortName: 'CTA chest w/o + w',
    modality: 'CT',
    slotMinutes: 20,
    prepMinutes: 10,
    gates: CONTRAST_GATES,
    fastingHours: 2,
    area: 'chest',
    // Mostly stat: nobody waits for a reader to say what an embolism protocol is.
    protocolling: 'rule',
    bodyPart: 'CHEST',
    contrast: true,
  }),
  entry({
    code: '36813-4',
    name: 'CT abdomen and pelvis with contrast',
    shortName: 'CT abdomen pelvis w',
    modality: 'CT',
    slotMinutes: 20,
    prepMinutes: 45,
    gates: CONTRAST_GATES,
    fastingHours: 4,
    area: 'abdomen',
    protocolling: 'reader',
    bodyPart: 'ABDOMENPELVIS',
    contrast: true,
  }),
  entry({
    code: '30657-1',
    name: 'MR brain without contrast',
    shortName: 'MR brain w/o',
    modality: 'MR',
    slotMinutes: 30,
    gates: ['implants'],
    area: 'neuro',
    protocolling: 'rule',
    bodyPart: 'BRAIN',
  }),
  entry({
    code: '24587-8',
    name: 'MR brain without and with contrast',
    shortName: 'MR brain w/o + w',
    modality: 'MR',
    slotMinutes: 45,
    prepMinutes: 10,
    gates: ['implants', 'contrast-allergy', 'egfr', 'pregnancy'],
    area: 'neuro',
    protocolling: 'reader',
    bodyPart: 'BRAIN',
    contrast: true,
  }),
  entry({
    code: '30679-5',
    name: 'MR lumbar spine without contrast',
    shortName: 'MR lumbar spine w/o',
    modality: 'MR',
    slotMinutes: 30,
    gates: ['implants'],
    area: 'neuro',
    protocolling: 'rule',
    bodyPart: 'LSPINE',
  }),
  entry({
    code: '30691-0',
    name: 'MR knee without contrast',
    shortName: 'MR knee w/o',
    modality: 'MR',
    slotMinutes: 30,
    gates: ['implants', 'side'],
    area: 'msk',
    protocolling: 'rule',
    bodyPart: 'KNEE',
  }),
  entry({
    code: '36643-5',
    name: 'X-ray chest, 2 views',
    shortName: 'XR chest 2 views',
    modality: 'DX',
    slotMinutes: 5,
    gates: ['pregnancy'],
    area: 'chest',
    protocolling: 'rule',
    bodyPart: 'CHEST',
  }),
  entry({
    code: '30746-2',
    name: 'X-ray chest, portable',
    shortName: 'XR chest portable',
    modality: 'DX',
    slotMinutes: 10,
    gates: ['pregnancy'],
    area: 'chest',
    protocolling: 'rule',
    bodyPart: 'CHEST',
  }),
  entry({
    code: '24722-1',
    name: 'X-ray hand, 3 views',
    shortName: 'XR hand 3 views',
    modality: 'DX',
    slotMinutes: 5,
    gates: ['side'],
    area: 'msk',
    protocolling: 'rule',
    bodyPart: 'HAND',
  }),
  entry({
    code: '30788-4',
    name: 'X-ray knee, 3 views',
    shortName: 'XR knee 3 views',
    modality: 'DX',
    slotMinutes: 5,
    gates: ['side'],
    area: 'msk',
    protocolling: 'rule',
    bodyPart: 'KNEE',
  }),
  entry({
    code: '24558-9',
    name: 'Ultrasound abdomen',
    shortName: 'US abdomen',
    modality: 'US',
    slotMinutes: 20,
    fastingHours: 6,
    area: 'abdomen',
    protocolling: 'rule',
    bodyPart: 'ABDOMEN',
  }),
  entry({
    code: '30881-7',
    name: 'Ultrasound Doppler lower extremity veins',
    shortName: 'US leg veins',
    modality: 'US',
    slotMinutes: 20,
    gates: ['side'],
    area: 'general',
    protocolling: 'rule',
    bodyPart: 'LEG',
  }),
  entry({
    code: '24606-6',
    name: 'Mammography screening',
    shortName: 'MG screening',
    modality: 'MG',
    slotMinutes: 15,
    gates: ['pregnancy'],
    area: 'breast',
    protocolling: 'rule',
    doubleRead: true,
    bodyPart: 'BREAST',
  }),
  entry({
    code: '44139-4',
    name: 'PET whole body',
    shortName: 'PET whole body',
    modality: 'PT',
    slotMinutes: 30,
    prepMinutes: 60,
    gates: ['pregnancy', 'glucose'],
    fastingHours: 6,
    area: 'nuclear',
    protocolling: 'reader',
    bodyPart: 'WHOLEBODY',
  }),
]

/** Who chooses the protocol of an order under its policy; what an order's facts carry. */
export function protocollingOf(
  entry: Pick<CatalogueEntry, 'protocolling'>,
  policy: Policy,
): 'rule' | 'reader' {
  return policy.protocolling === 'off' ? 'rule' : entry.protocolling
}

/**
 * Safety gates this patient must pass under the policy.
 * Pregnancy is asked of whoever is not recorded male and is, at the exam, of an age at which it may be.
 */
export function gatesOf(
  entry: Pick<CatalogueEntry, 'gates'>,
  patient: { sex: 'M' | 'F' | 'O' | null; ageYears: number | null },
  policy: Policy,
): SafetyGate[] {
  if (policy.safetyGates === 'off') return []
  const { from, to } = policy.safety.pregnancyAges
  const ofAge = patient.ageYears === null || (patient.ageYears >= from && patient.ageYears <= to)
  const mayBePregnant = patient.sex !== 'M' && ofAge
  return entry.gates.filter((gate) => gate !== 'pregnancy' || mayBePregnant)
}
