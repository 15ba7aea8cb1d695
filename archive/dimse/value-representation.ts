/** Value representations and how they are laid out (PS3.5 section 6.2 and 7.1.2). */

export const VRS = [
  ...([
    'AE',
    'AS',
    'AT',
    'CS',
    'DA',
    'DS',
    'DT',
    'FD',
    'FL',
    'IS',
    'LO',
    'LT',
    'OB',
    'OD',
    'OF',
    'OL',
  ] as const),
  ...([
    'OV',
    'OW',
    'PN',
    'SH',
    'SL',
    'SQ',
    'SS',
    'ST',
    'SV',
    'TM',
    'UC',
    'UI',
    'UL',
    'UN',
    'UR',
    'US',
  ] as const),
  ...(['UT', 'UV'] as const),
]

export type Vr = (typeof VRS)[number]

const KNOWN = new Set<string>(VRS)

export const isVr = (text: string): text is Vr => KNOWN.has(text)

const byLetters: (Vr | undefined)[] = []
for (const vr of VRS) byLetters[(vr.charCodeAt(0) << 8) | vr.charCodeAt(1)] = vr

/** The VR that two bytes spell, without making a string of them; undefined when it is none. */
export const vrAt = (bytes: Uint8Array, at: number): Vr | undefined =>
  byLetters[(bytes[at]! << 8) | bytes[at + 1]!]

const CHARACTER_SET_VRS = new Set<Vr>(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT'])

/** The VRs that Specific Character Set governs (PS3.5 section 6.1.2.2). */
export const isCharacterSetText = (vr: Vr): boolean => CHARACTER_SET_VRS.has(vr)

/** A two-byte length follows these in Explicit VR; a reserved pair with a four-byte length follows all others. */
export const SHORT_LENGTH_VRS: ReadonlySet<Vr> = new Set<Vr>([
  ...(['AE', 'AS', 'AT', 'CS', 'DA', 'DS', 'DT', 'FD', 'FL', 'IS', 'LO', 'LT'] as const),
  ...(['PN', 'SH', 'SL', 'SS', 'ST', 'TM', 'UI', 'UL', 'US'] as const),
])

/** The width in bytes that byte order applies to; none for text and bytes. */
export const SWAPPED_BY: Readonly<Partial<Record<Vr, 2 | 4 | 8>>> = {
  ...{ AT: 2, OW: 2, SS: 2, US: 2 },
  ...{ FL: 4, OF: 4, OL: 4, SL: 4, UL: 4 },
  ...{ FD: 8, OD: 8, OV: 8, SV: 8, UV: 8 },
}
