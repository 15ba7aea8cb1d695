/** Hostile inputs for the DICOM ports, generated in the same order each time: conversations and data sets that are wrong. */
import { deflateRawSync } from 'node:zlib'
import { COMMAND, encodeCommand, HAS_DATASET, NO_DATASET } from './dimse/command.ts'
import { encodeAbort, encodeAssociateRj, encodeReleaseRp, PDU } from './dimse/pdu.ts'
import { data, echo, pdv, proposal, storeRq } from './dimse/raw-peer.fixture.ts'
import { CT_IMAGE_STORAGE, STUDY_ROOT_FIND, VERIFICATION } from './dimse/sop-class.ts'
import { structureSet } from './dimse/structure-set.fixture.ts'
import { DEFLATED_LITTLE, EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './dimse/transfer-syntax.ts'

export interface Hostile {
  name: string
  /** On an association of its own, or instead of one. */
  stage: 'instead' | 'associated'
  door?: 'tls'
  /** Said in one write; for `drip`, byte by byte until the archive has had enough. */
  bytes: (who: { callingAe: string; uid: string }) => Buffer
  how?: 'at once' | 'drip'
  /** What the peer does when it has said it. Default: it releases, or waits instead of an association. */
  ending?: 'wait' | 'close' | 'reset' | 'abort' | 'release'
  /** A whole object, though a bad one: if it is refused, its bytes are kept. */
  isObject?: true
  /** What it is answered: each PDU after the acceptance, in words. */
  answer: RegExp
}

export const CONTEXTS = [
  { id: 5, abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [EXPLICIT_LITTLE] },
  { id: 3, abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT_LITTLE] },
  { id: 7, abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [DEFLATED_LITTLE] },
  { id: 9, abstractSyntax: STUDY_ROOT_FIND, transferSyntaxes: [IMPLICIT_LITTLE] },
  { id: 11, abstractSyntax: STUDY_ROOT_FIND, transferSyntaxes: [DEFLATED_LITTLE] },
]

const MALFORMED = /^abort 0\/0$/
const CUT_OFF = /^closed$/
const TIMED_OUT = /^abort 2\/0$/
/** In the protocol's terms, whatever the bytes happen to mean now. */
const ANY_START = /^(abort 0\/0|closed|reject \d\/\d\/\d|accepted released)$/
const ANY_TALK = /^([0-9A-F]{4} )*(released|closed|abort \d\/\d)$/
const SET_ASIDE = /^(C000|A900) released$/
const STORED_OR_NOT = /^(0000|C000|A900|0110) released$/

export function instanceUid(n: number): string {
  return `2.25.${1000 + n}`
}

export function hostileInputs(): Hostile[] {
  return [
    ...proposals(),
    ...strangers(),
    ...wrongPdus(),
    ...fragments(),
    ...commands(),
    ...departures(),
    ...crowded(),
    ...cutDatasets(),
    ...lyingDatasets(),
    ...mistypedDatasets(),
    ...deepAndLarge(),
    ...identities(),
    ...encapsulated(),
    ...flipped(),
  ]
}

// ——— What is said instead of a proposal.

function proposals(): Hostile[] {
  const whole = (callingAe: string) => proposal({ callingAe, contexts: CONTEXTS })
  const places = boundaries(whole('H'))
  const instead = (name: string, answer: RegExp, bytes: Hostile['bytes']): Hostile => ({
    name,
    stage: 'instead',
    bytes,
    answer,
  })
  return [
    ...places.map(({ at }) =>
      instead(`a proposal cut at ${at}`, CUT_OFF, ({ callingAe }) => whole(callingAe).subarray(0, at)),
    ),
    ...places.map(({ at }) =>
      instead(`a proposal cut at ${at} that calls itself whole`, ANY_START, ({ callingAe }) => {
        const cut = Buffer.from(whole(callingAe).subarray(0, Math.max(at, 6)))
        cut.writeUInt32BE(cut.length - 6, 2)
        return cut
      }),
    ),
    ...places.flatMap(({ lengthAt }) =>
      lengthAt === undefined
        ? []
        : [0, 1, -1, 0xffff].map((lie) =>
            instead(`a proposal whose length at ${lengthAt} lies by ${lie}`, ANY_START, ({ callingAe }) => {
              const bytes = Buffer.from(whole(callingAe))
              const true_ = bytes.readUInt16BE(lengthAt)
              bytes.writeUInt16BE(lie === 0 || lie === 0xffff ? lie : true_ + lie, lengthAt)
              return bytes
            }),
          ),
    ),
    instead('a proposal of another protocol version', /^reject 1\/2\/2$/, ({ callingAe }) => {
      const bytes = whole(callingAe)
      bytes.writeUInt16BE(2, 6)
      return bytes
    }),
    instead('a proposal to somebody else', /^reject 1\/1\/7$/, ({ callingAe }) =>
      proposal({ callingAe, calledAe: 'SOMEBODY' }),
    ),
    instead('a proposal without contexts', ANY_START, ({ callingAe }) =>
      proposal({ callingAe, contexts: [] }),
    ),
    instead('a proposal with an even context id', MALFORMED, ({ callingAe }) =>
      proposal({ callingAe, contexts: [{ ...CONTEXTS[0]!, id: 2 }] }),
    ),
    instead('a proposal with UIDs that are none', /^accepted released$/, ({ callingAe }) =>
      proposal({
        callingAe,
        contexts: [
          { id: 1, abstractSyntax: '../../etc/passwd', transferSyntaxes: ['<script>', '\0'] },
          { id: 3, abstractSyntax: '1'.repeat(300), transferSyntaxes: ['2'.repeat(2000)] },
        ],
      }),
    ),
    instead('a proposal that takes PDUs of one byte', ANY_START, ({ callingAe }) =>
      proposal({ callingAe, contexts: CONTEXTS, maxPduBytes: 1 }),
    ),
    { ...instead('a proposal dripped', CUT_OFF, ({ callingAe }) => whole(callingAe)), how: 'drip' },
  ]
}

function strangers(): Hostile[] {
  const say = (name: string, bytes: Buffer, answer = MALFORMED): Hostile => ({
    name,
    stage: 'instead',
    bytes: () => bytes,
    answer,
  })
  const hello = Buffer.from('16030100c8010000c40303', 'hex')
  return [
    say('a web browser', Buffer.from('GET / HTTP/1.1\r\nHost: archive\r\n\r\n')),
    say('a TLS client', Buffer.concat([hello, Buffer.alloc(200, 7)])),
    say('an HL7 sender', Buffer.from('\x0bMSH|^~\\&|A|B|C|D|||ORM^O01|1|P|2.5\r\x1c\r')),
    say('zeros', Buffer.alloc(100_000)),
    say('ones', Buffer.alloc(100_000, 0xff)),
    say('a proposal of four gigabytes', Buffer.from('0100fffffff0', 'hex')),
    say('an abort first', encodeAbort({ source: 0, reason: 0 }), CUT_OFF),
    say('a rejection first', encodeAssociateRj({ result: 1, source: 1, reason: 1 })),
    say('a release response first', encodeReleaseRp()),
    say('data first', data(pdv(3, 3, echo(1)))),
    { ...say('nothing at all', Buffer.alloc(0), CUT_OFF) },
    { ...say('half a head', Buffer.from('0100', 'hex'), CUT_OFF) },
    { ...say('half a head and a farewell', Buffer.from('0100', 'hex'), CUT_OFF), ending: 'close' },
    { ...say('half a head and a reset', Buffer.from('0100', 'hex'), /^gone$/), ending: 'reset' },
    { ...say('zeros on the TLS port', Buffer.alloc(5000), CUT_OFF), door: 'tls' },
    { ...say('DICOM on the TLS port', proposal(), CUT_OFF), door: 'tls' },
    { ...say('half a TLS hello', hello, CUT_OFF), door: 'tls' },
    { ...say('silence on the TLS port', Buffer.alloc(0), CUT_OFF), door: 'tls' },
    { ...say('a TLS hello of lies', Buffer.concat([hello, Buffer.alloc(200, 7)]), CUT_OFF), door: 'tls' },
  ]
}

// ——— What is said on an association.

const talk = (
  name: string,
  answer: RegExp,
  bytes: Hostile['bytes'],
  more: Partial<Hostile> = {},
): Hostile => ({
  name,
  stage: 'associated',
  bytes,
  answer,
  ...more,
})

function wrongPdus(): Hostile[] {
  const types = [0, 1, 2, 3, 6, 8, 0x42, 0xff]
  return types.flatMap((type) =>
    [0, 4, 200, 0xfffffff0].map((length) => {
      const isKnown = type >= PDU.associateRq && type <= PDU.abort
      const answer = isKnown ? /^abort 2\/2$/ : /^abort 2\/1$/
      return talk(`a PDU of type ${type} said to be ${length} long`, answer, () => {
        const head = Buffer.alloc(6 + Math.min(length, 200))
        head[0] = type
        head.writeUInt32BE(length, 2)
        return head
      })
    }),
  )
}

function fragments(): Hostile[] {
  const raw = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const invalid = /^abort 2\/6$/
  const nonsense = /^abort 0\/0$/
  return [
    talk('a P-DATA of four gigabytes', invalid, () => raw('04 00 fffffff0')),
    talk('a P-DATA of nothing', /^released$/, () => raw('04 00 00000000')),
    talk('a P-DATA too short for a PDV', invalid, () => raw('04 00 00000003 000000')),
    talk('a PDV of length 0', invalid, () => data(raw('00000000 03 03'))),
    talk('a PDV of length 1', invalid, () => data(raw('00000001 03 03'))),
    talk('a PDV longer than its PDU', invalid, () => data(raw('000000ff 03 03'))),
    talk('a PDV of four gigabytes', invalid, () => data(raw('ffffffff 03 03'))),
    talk('a context never proposed', invalid, () => data(pdv(99, 3, echo(1)))),
    talk('context zero', invalid, () => data(pdv(0, 3, echo(1)))),
    talk('a data set first', nonsense, () => data(pdv(5, 2, Buffer.alloc(10)))),
    talk('a command in a data set', nonsense, ({ uid }) =>
      data(pdv(5, 3, storeRq(1, uid)), pdv(5, 3, storeRq(2, uid))),
    ),
    talk('a data set on another context', nonsense, ({ uid }) =>
      data(pdv(5, 3, storeRq(1, uid)), pdv(7, 2, Buffer.alloc(10))),
    ),
    talk('a command of two contexts', nonsense, () =>
      data(pdv(3, 1, echo(1).subarray(0, 10)), pdv(5, 3, echo(1).subarray(10))),
    ),
    talk('a command without an end', nonsense, () =>
      data(...Array.from({ length: 80 }, () => pdv(3, 1, Buffer.alloc(1000)))),
    ),
    talk('empty fragments without an end, then an echo', /^0000 released$/, () =>
      data(...Array.from({ length: 500 }, () => pdv(3, 1, Buffer.alloc(0))), pdv(3, 3, echo(1))),
    ),
    talk('all control bits set', ANY_TALK, () => data(pdv(3, 0xff, echo(1)))),
    talk('a P-DATA cut in its head', TIMED_OUT, () => raw('04 00 00'), { ending: 'wait' }),
    talk('a P-DATA cut in a PDV head', TIMED_OUT, () => raw('04 00 00000020 0000'), { ending: 'wait' }),
    talk('a P-DATA cut in a command', TIMED_OUT, () => data(pdv(3, 3, echo(1))).subarray(0, 30), {
      ending: 'wait',
    }),
  ]
}

function commands(): Hostile[] {
  const set = echo(1)
  const cuts = [...Array(Math.floor(set.length / 8)).keys()].map((n) => n * 8)
  const fields = [
    0x0000, 0x0001, 0x8001, 0x0fff, 0x0010, 0x0020, 0x0021, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150,
    0x7777,
  ]
  const command = (CommandField: number, CommandDataSetType: number) =>
    encodeCommand({ CommandField, CommandDataSetType, MessageID: 1, AffectedSOPClassUID: VERIFICATION })
  return [
    ...cuts.map((at) => talk(`a command cut at ${at}`, ANY_TALK, () => data(pdv(3, 3, set.subarray(0, at))))),
    ...cuts.map((at) =>
      talk(`a command whose length at ${at} lies`, ANY_TALK, () => {
        const bytes = Buffer.from(set)
        bytes.writeUInt32LE(0xfffffff0, Math.min(at + 4, bytes.length - 4))
        return data(pdv(3, 3, bytes))
      }),
    ),
    ...fields.map((field) =>
      talk(`command ${field.toString(16)} where only an echo may be`, ANY_TALK, () =>
        data(pdv(3, 3, command(field, NO_DATASET))),
      ),
    ),
    ...fields.map((field) =>
      talk(`command ${field.toString(16)} with a data set of garbage`, ANY_TALK, () =>
        data(pdv(3, 3, command(field, HAS_DATASET)), pdv(3, 2, Buffer.alloc(300, 0xab))),
      ),
    ),
    talk('a store that says it has no data set', MALFORMED, ({ uid }) =>
      data(pdv(5, 3, storeRq(1, uid, NO_DATASET))),
    ),
  ]
}

/** Every way of leaving, from every place: silence, a farewell, a reset and an A-ABORT. */
function departures(): Hostile[] {
  const places: [string, Hostile['bytes']][] = [
    ['after the acceptance', () => Buffer.alloc(0)],
    ['in the head of a PDU', () => Buffer.from('0400', 'hex')],
    ['in a command', () => data(pdv(5, 1, Buffer.alloc(20)))],
    ['between a command and its data set', ({ uid }) => data(pdv(5, 3, storeRq(1, uid)))],
    ['in a data set', ({ uid }) => data(pdv(5, 3, storeRq(1, uid)), pdv(5, 0, Buffer.alloc(5000)))],
    [
      'in the data set of a second store',
      (who) =>
        Buffer.concat([
          store(who.uid, object(who.uid)),
          data(pdv(5, 3, storeRq(2, `${who.uid}.2`)), pdv(5, 0, Buffer.alloc(5000))),
        ]),
    ],
  ]
  return places.flatMap(([place, bytes]) => [
    talk(`silence ${place}`, /^(0000 )?abort 2\/0$/, bytes, { ending: 'wait' }),
    talk(`a farewell ${place}`, /^(0000 )?closed$/, bytes, { ending: 'close' }),
    talk(`a reset ${place}`, /gone$/, bytes, { ending: 'reset' }),
    ...(place.includes('head')
      ? []
      : [talk(`an abort ${place}`, /^(0000 )?closed$/, bytes, { ending: 'abort' })]),
  ])
}

function crowded(): Hostile[] {
  return [
    talk('twenty stores ahead of their answers', /^(0000 ){20}released$/, ({ uid }) =>
      Buffer.concat(Array.from({ length: 20 }, (_, n) => store(`${uid}.${n}`, object(`${uid}.${n}`), n + 1))),
    ),
    talk('forty echoes ahead of their answers', /^(0000 ){40}released$/, () =>
      Buffer.concat(Array.from({ length: 40 }, (_, n) => data(pdv(3, 3, echo(n + 1))))),
    ),
    talk('a store and two commands in one PDU, in crumbs', /^0000 0000 0000 released$/, ({ uid }) => {
      const [command, bytes] = [storeRq(1, uid), object(uid)]
      const crumbs = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, n) =>
        bytes.subarray(n * 7, n * 7 + 7),
      )
      return data(
        pdv(5, 1, command.subarray(0, 9)),
        pdv(5, 3, command.subarray(9)),
        ...crumbs.map((crumb, n) => pdv(5, n === crumbs.length - 1 ? 2 : 0, crumb)),
        pdv(3, 3, echo(2)),
        pdv(3, 3, echo(3)),
      )
    }),
    talk('an object dripped', TIMED_OUT, ({ uid }) => store(uid, object(uid)), { how: 'drip' }),
  ]
}

// ——— Data sets.

type Part = { tag: number; vr: string; value: Buffer }

const LONG = new Set(['OB', 'OW', 'SQ', 'UN', 'UT'])

function element({ tag, vr, value }: Part): Buffer {
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8)
  head.writeUInt16LE(tag >>> 16, 0)
  head.writeUInt16LE(tag & 0xffff, 2)
  head.write(vr, 4, 'latin1')
  if (LONG.has(vr)) head.writeUInt32LE(value.length, 8)
  else head.writeUInt16LE(value.length, 6)
  return Buffer.concat([head, value])
}

function text(tag: number, vr: string, value: string): Part {
  const pad = vr === 'UI' ? '\0' : ' '
  return { tag, vr, value: Buffer.from(value.length % 2 === 0 ? value : value + pad, 'latin1') }
}

function item(...parts: Part[]): Buffer {
  const body = Buffer.concat(parts.map(element))
  const head = Buffer.from('feff00e000000000', 'hex')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body])
}

const u16 = (tag: number, value: number): Part => ({
  tag,
  vr: 'US',
  value: Buffer.of(value & 0xff, value >> 8),
})

function parts(uid: string, study = uid): Part[] {
  return [
    text(0x00080005, 'CS', 'ISO_IR 192'),
    text(0x00080016, 'UI', CT_IMAGE_STORAGE),
    text(0x00080018, 'UI', uid),
    text(0x00080060, 'CS', 'CT'),
    {
      tag: 0x00081140,
      vr: 'SQ',
      value: item(text(0x00081150, 'UI', CT_IMAGE_STORAGE), text(0x00081155, 'UI', '1.2.3.4')),
    },
    text(0x00100010, 'PN', 'HOSTILE^INPUT'),
    text(0x00100020, 'LO', 'HOSTILE'),
    text(0x0020000d, 'UI', `${study}.1`),
    text(0x0020000e, 'UI', `${study}.2`),
    text(0x00200013, 'IS', '1'),
    u16(0x00280002, 1),
    u16(0x00280010, 16),
    u16(0x00280011, 16),
    u16(0x00280100, 16),
    { tag: 0x7fe00010, vr: 'OW', value: Buffer.alloc(512, 3) },
  ]
}

/** A small image that nothing is wrong with. */
export const object = (uid: string, study?: string): Buffer => Buffer.concat(parts(uid, study).map(element))

const replaced = (uid: string, part: Part): Buffer =>
  Buffer.concat(parts(uid).map((one) => element(one.tag === part.tag ? part : one)))

/** A C-STORE with its data set. */
const store = (uid: string, bytes: Buffer, messageId = 1, contextId = 5): Buffer =>
  message(contextId, storeRq(messageId, uid), bytes)

function query(contextId: number, bytes: Buffer): Buffer {
  const command = encodeCommand({
    CommandField: COMMAND.cFind,
    MessageID: 1,
    CommandDataSetType: HAS_DATASET,
    AffectedSOPClassUID: STUDY_ROOT_FIND,
    Priority: 0,
  })
  return message(contextId, command, bytes)
}

/** A command and its data set, in PDUs as long as the archive takes them. */
function message(contextId: number, command: Buffer, bytes: Buffer): Buffer {
  const longest = 200_000
  const pieces = Array.from({ length: Math.max(1, Math.ceil(bytes.length / longest)) }, (_, n) =>
    bytes.subarray(n * longest, (n + 1) * longest),
  )
  return Buffer.concat([
    data(pdv(contextId, 3, command)),
    ...pieces.map((piece, n) => data(pdv(contextId, n === pieces.length - 1 ? 2 : 0, piece))),
  ])
}

const stored = (name: string, answer: RegExp, bytes: (uid: string) => Buffer): Hostile =>
  talk(name, answer, ({ uid }) => store(uid, bytes(uid)), { isObject: true })

type Place = { name: string; at: number; valueAt: number; lengthAt: number; isLong: boolean; end: number }

function places(uid: string): Place[] {
  let at = 0
  return parts(uid).map((part) => {
    const [start, bytes] = [at, element(part)]
    at += bytes.length
    const isLong = LONG.has(part.vr)
    return {
      name: part.tag.toString(16).padStart(8, '0'),
      at: start,
      valueAt: start + (isLong ? 12 : 8),
      lengthAt: start + (isLong ? 8 : 6),
      isLong,
      end: at,
    }
  })
}

// The instances of all inputs have UIDs of this length, so that what is measured on the sample holds for each.
const SAMPLE = instanceUid(0)
const LAST_UID = '0020000e'

function cutDatasets(): Hostile[] {
  return places(SAMPLE).flatMap((place) => {
    const cut = (where: string, at: number, answer: RegExp) =>
      stored(`a data set that ends ${where} ${place.name}`, answer, (uid) => object(uid).subarray(0, at))
    return [
      cut('before', place.at, place.name > LAST_UID ? /^0000 released$/ : /^A900 released$/),
      cut('in the tag of', place.at + 2, /^C000 released$/),
      cut('before the value of', place.valueAt, /^C000 released$/),
      cut('in the value of', place.end - 1, /^C000 released$/),
    ]
  })
}

function lyingDatasets(): Hostile[] {
  return places(SAMPLE).flatMap((place) =>
    [-2, 2, 1, 0xfffe, 0xfffffffe].flatMap((lie) => {
      if (lie === 0xfffffffe && !place.isLong) return []
      const answer = lie >= 0xfffe ? /^C000 released$/ : STORED_OR_NOT
      return stored(`a length of ${place.name} that lies by ${lie}`, answer, (uid) => {
        const bytes = Buffer.from(object(uid))
        const read = place.isLong ? bytes.readUInt32LE(place.lengthAt) : bytes.readUInt16LE(place.lengthAt)
        const said = lie >= 0xfffe ? lie : Math.max(0, read + lie)
        if (place.isLong) bytes.writeUInt32LE(said, place.lengthAt)
        else bytes.writeUInt16LE(said, place.lengthAt)
        return bytes
      })
    }),
  )
}

function mistypedDatasets(): Hostile[] {
  return places(SAMPLE).flatMap((place) =>
    ['ZZ', 'lo', '\0\0', 'SQ', 'FD'].map((vr) => {
      const answer = vr === 'lo' || vr === '\0\0' ? /^C000 released$/ : STORED_OR_NOT
      return stored(`${place.name} with the VR ${JSON.stringify(vr)}`, answer, (uid) => {
        const bytes = Buffer.from(object(uid))
        bytes.write(vr, place.at + 4, 'latin1')
        return bytes
      })
    }),
  )
}

const NESTED = 10_000

function deepAndLarge(): Hostile[] {
  const open = Buffer.from('08004011535100' + '00ffffffff' + 'feff00e0ffffffff', 'hex')
  const undefinedLengths = Buffer.concat(Array.from({ length: NESTED }, () => open))
  const bomb = deflateRawSync(Buffer.alloc(300 * 1024 * 1024))
  return [
    stored('ten thousand levels of undefined length', /^C000 released$/, () => undefinedLengths),
    stored('ten thousand levels of defined length', /^C000 released$/, () => nested(NESTED)),
    stored('sixty levels, which may be', /^A900 released$/, () => nested(60)),
    stored('a million elements', SET_ASIDE, () => manyElements(1_000_000, 0)),
    stored('a million items', SET_ASIDE, () => manyItems(1_000_000)),
    stored('a whole image with a header of twenty megabytes', /^0000 released$/, (uid) => {
      const [before, after] = [parts(uid).slice(0, 5), parts(uid).slice(5)]
      return Buffer.concat([...before.map(element), manyElements(340, 60_000), ...after.map(element)])
    }),
    stored('a structure set of eighty megabytes', /^0000 released$/, (uid) =>
      structureSet(uid, { count: 24_000, points: 150 }, CT_IMAGE_STORAGE),
    ),
    stored('a structure set of half a million elements', /^0000 released$/, (uid) =>
      structureSet(uid, { count: 75_000, points: 4, length: 'undefined' }, CT_IMAGE_STORAGE),
    ),
    stored('a header of seventy megabytes', SET_ASIDE, () => manyElements(1200, 60_000)),
    talk('three hundred megabytes of nothing, deflated', /^C000 released$/, ({ uid }) =>
      store(uid, bomb, 1, 7),
    ),
    talk('a query with a million keys', /^C000 released$/, () => query(9, implicitElements(1_000_000))),
    talk('a query of more megabytes than any', MALFORMED, () => query(9, Buffer.alloc(9 * 1024 * 1024))),
    talk('a query that inflates to three hundred megabytes', /^C000 released$/, () => query(11, bomb)),
    talk('garbage called deflated', /^C000 released$/, ({ uid }) =>
      store(uid, Buffer.alloc(9000, 0xee), 1, 7),
    ),
    talk('deflated bytes that end early', /^C000 released$/, ({ uid }) =>
      store(uid, deflateRawSync(object(uid)).subarray(0, 80), 1, 7),
    ),
    talk('a data set of nothing', /^A900 released$/, ({ uid }) => store(uid, Buffer.alloc(0))),
    talk('a data set of one byte', /^C000 released$/, ({ uid }) => store(uid, Buffer.of(1))),
  ]
}

function nested(levels: number): Buffer {
  const heads: Buffer[] = []
  // Each level holds the rest: a sequence's head and an item's, 20 bytes in all.
  for (let level = 0; level < levels; level++) {
    const inside = (levels - level - 1) * 20
    const head = Buffer.from('0800401153510000' + '00000000' + 'feff00e000000000', 'hex')
    head.writeUInt32LE(inside + 8, 8)
    head.writeUInt32LE(inside, 16)
    heads.push(head)
  }
  return Buffer.concat(heads)
}

function manyElements(count: number, valueBytes: number): Buffer {
  const one = element({ tag: 0, vr: 'UN', value: Buffer.alloc(valueBytes, 1) })
  const all = repeated(one, count)
  for (let n = 0; n < count; n++) {
    const [group, number] = [0x0009 + 2 * (n >>> 15), 0x1000 + (n & 0x7fff)]
    all.writeUInt16LE(group, n * one.length)
    all.writeUInt16LE(number, n * one.length + 2)
  }
  return all
}

function implicitElements(count: number): Buffer {
  const all = Buffer.alloc(count * 8)
  for (let n = 0; n < count; n++) all.writeUInt16LE(0x0008 + 2 * (n >>> 15), n * 8)
  for (let n = 0; n < count; n++) all.writeUInt16LE(0x0001 + (n & 0x7fff), n * 8 + 2)
  return all
}

const repeated = (bytes: Buffer, times: number): Buffer => Buffer.alloc(bytes.length * times, bytes)

const manyItems = (count: number): Buffer =>
  Buffer.concat([
    Buffer.from('0800401153510000ffffffff', 'hex'),
    repeated(Buffer.from('feff00e000000000', 'hex'), count),
    Buffer.from('feffdde000000000', 'hex'),
  ])

function identities(): Hostile[] {
  const wrong = [
    '../../etc/passwd',
    '1..2',
    '.1.2',
    '1.2.',
    'abc',
    '1.2 3',
    '1.2;3',
    `1.${'2'.repeat(64)}`,
    '1.2/3',
    '-1.2',
  ]
  return [
    ...wrong.map((uid) =>
      talk(`a command for the instance ${uid.slice(0, 20)}`, /^0117 released$/, (who) =>
        Buffer.concat([data(pdv(5, 3, storeRq(1, uid))), data(pdv(5, 2, object(who.uid)))]),
      ),
    ),
    ...wrong.map((uid) =>
      stored(`a study ${uid.slice(0, 20)}`, /^A900 released$/, (own) =>
        replaced(own, text(0x0020000d, 'UI', uid)),
      ),
    ),
    stored('another instance than was announced', /^A900 released$/, (uid) => object(`${uid}.9`)),
    stored('another class than was announced', /^A900 released$/, (uid) =>
      replaced(uid, text(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.4')),
    ),
    talk('a class that is not its context', /^A900 released$/, ({ uid }) =>
      Buffer.concat([
        data(
          pdv(
            5,
            3,
            encodeCommand({
              CommandField: COMMAND.cStore,
              MessageID: 1,
              CommandDataSetType: HAS_DATASET,
              AffectedSOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
              AffectedSOPInstanceUID: uid,
              Priority: 0,
            }),
          ),
        ),
        data(pdv(5, 2, object(uid))),
      ]),
    ),
    stored('a repeated UID element', STORED_OR_NOT, (uid) =>
      Buffer.concat([object(uid), element(text(0x00080018, 'UI', '1.2.3'))]),
    ),
    stored('tags in falling order', STORED_OR_NOT, (uid) => Buffer.concat(parts(uid).reverse().map(element))),
    stored('control characters where text may be', STORED_OR_NOT, (uid) =>
      replaced(uid, { tag: 0x00100010, vr: 'PN', value: Buffer.from([...Array(64).keys()]) }),
    ),
    stored('an unknown character set', STORED_OR_NOT, (uid) =>
      replaced(uid, text(0x00080005, 'CS', 'ISO_IR 9999')),
    ),
    stored('half of a UTF-8 character', STORED_OR_NOT, (uid) =>
      replaced(uid, { tag: 0x00100020, vr: 'LO', value: Buffer.of(0xf0, 0x9f, 0xe2, 0x20) }),
    ),
    stored('more rows than there are pixels', STORED_OR_NOT, (uid) => replaced(uid, u16(0x00280010, 65_535))),
  ]
}

function encapsulated(): Hostile[] {
  const pixels = (hex: string) => Buffer.from(`e07f10004f420000ffffffff${hex}`.replaceAll(' ', ''), 'hex')
  const header = (uid: string) => Buffer.concat(parts(uid).slice(0, -1).map(element))
  const wrong: [string, string][] = [
    ['no fragments and no end', ''],
    ['a fragment without an end', 'feff00e0 04000000 01020304'],
    ['a fragment longer than the object', 'feff00e0 ffffff7f 01020304'],
    ['a fragment of undefined length', 'feff00e0 ffffffff 01020304 feffdde000000000'],
    ['an element where a fragment belongs', '08000500 04000000 01020304 feffdde000000000'],
    ['an end cut in half', 'feff00e0 04000000 01020304 feffdde0'],
  ]
  return wrong.map(([name, hex]) =>
    stored(`encapsulated pixels: ${name}`, /^C000 released$/, (uid) =>
      Buffer.concat([header(uid), pixels(hex)]),
    ),
  )
}

/** Bytes changed at random, the same each time. */
function flipped(): Hostile[] {
  let seed = 20_261_122
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const changes = () => Array.from({ length: 1 + random(5) }, () => [random(1_000_000), random(256)] as const)
  const change = (bytes: Buffer, places: ReturnType<typeof changes>) => {
    const changed = Buffer.from(bytes)
    for (const [at, value] of places) changed[at % changed.length] = value
    return changed
  }
  return Array.from({ length: 60 }, (_, n) => {
    const places = changes()
    return n % 3 === 0
      ? talk(`a flipped conversation ${n}`, ANY_TALK, ({ uid }) => change(store(uid, object(uid)), places), {
          ending: 'wait',
        })
      : stored(`a flipped data set ${n}`, STORED_OR_NOT, (uid) => change(object(uid), places))
  })
}

/** Where a proposal's fields and items begin and end, and where their lengths stand. */
function boundaries(pdu: Buffer): { at: number; lengthAt?: number }[] {
  const found: { at: number; lengthAt?: number }[] = [
    { at: 2 },
    { at: 6 },
    { at: 8 },
    { at: 10 },
    { at: 26 },
    { at: 42 },
  ]
  const walk = (from: number, to: number) => {
    for (let at = from; at < to; ) {
      const end = at + 4 + pdu.readUInt16BE(at + 2)
      found.push({ at, lengthAt: at + 2 }, { at: at + 4 })
      const type = pdu[at]
      if (type === 0x20) walk(at + 8, end)
      if (type === 0x50) walk(at + 4, end)
      at = end
    }
  }
  walk(74, pdu.length)
  return found.filter(({ at }) => at < pdu.length)
}
