/** The protocols a department starts with: for every procedure of the seed catalogue one, for some a second. Ours, to be changed. */
import type { CatalogueEntry } from './catalogue.ts'

export type SeedProtocol = {
  /** Procedure code of the seed catalogue. */
  code: string
  protocolCode: string
  name: string
  parameters: readonly { name: string; value: string; unit: string }[]
  isDefault: boolean
}

const of = (name: string, value: string, unit = '') => ({ name, value, unit })

const BY_MODALITY: Readonly<Record<string, SeedProtocol['parameters']>> = {
  CT: [of('tube voltage', '120', 'kV'), of('slice', '1', 'mm'), of('dose modulation', 'on')],
  MR: [of('localiser', '3 planes'), of('slice', '3', 'mm')],
  DX: [of('grid', 'on'), of('exposure', 'automatic')],
  US: [of('preset', 'as the body part')],
  MG: [of('views', 'CC and MLO, both sides')],
  PT: [of('uptake', '60', 'min'), of('attenuation CT', 'low dose')],
}

const SECONDS: readonly SeedProtocol[] = [
  {
    code: '30799-1',
    protocolCode: 'CTHEAD-TRAUMA',
    name: 'CT head trauma, thin',
    parameters: [of('tube voltage', '120', 'kV'), of('slice', '0.6', 'mm'), of('kernels', 'soft and bone')],
    isDefault: false,
  },
  {
    code: '29252-4',
    protocolCode: 'CTCHEST-LOW',
    name: 'CT chest low dose',
    parameters: [of('tube voltage', '100', 'kV'), of('slice', '1', 'mm'), of('dose modulation', 'on, low')],
    isDefault: false,
  },
  {
    code: '30657-1',
    protocolCode: 'MRBRAIN-SHORT',
    name: 'MR brain stroke, short',
    parameters: [of('sequences', 'DWI, FLAIR, SWI, TOF')],
    isDefault: false,
  },
]

/** The first of a procedure has the procedure's own name, so that the worklist says what it always said. */
export function seedProtocols(catalogue: readonly CatalogueEntry[]): SeedProtocol[] {
  const first = catalogue.map(({ code, shortName, modality }) => ({
    ...{ code, protocolCode: code, name: shortName, isDefault: true },
    parameters: BY_MODALITY[modality] ?? [],
  }))
  return [...first, ...SECONDS]
}
