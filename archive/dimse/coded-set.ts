/** The coded character sets that Specific Character Set names, each as it stands in G0 or G1 (PS3.3 C.12.1.1.2). */

/** A set in G0 (bytes 21-7E) or G1 (A1-FE), with the escape sequence (after ESC) that calls it there. */
export type CodedSet = {
  readonly escape: readonly number[]
  readonly half: 'G0' | 'G1'
  readonly bytesPerCharacter: 1 | 2
  decode(bytes: Buffer): string
  /** The bytes of one character, or undefined when the set lacks it. */
  encode(character: string): Buffer | undefined
}

/** What a defined term designates at the start of a value. */
export type Repertoire = { readonly G0?: CodedSet; readonly G1?: CodedSet }

export const ascii: CodedSet = {
  escape: [0x28, 0x42],
  half: 'G0',
  bytesPerCharacter: 1,
  decode: (bytes) => bytes.toString('latin1'),
  encode: (character) => (character < '\x80' ? Buffer.from(character, 'latin1') : undefined),
}

// JIS X 0201 has a yen sign where ASCII has the backslash. It stays a backslash here: it delimits values.
const romaji: CodedSet = {
  ...ascii,
  escape: [0x28, 0x4a],
  decode: (bytes) => bytes.toString('latin1').replaceAll('~', '‾'),
  encode: (character) => (character === '‾' ? Buffer.from('~') : ascii.encode(character)),
}

const katakana = codedSet([0x29, 0x49], 'G1', 1, (bytes) =>
  Array.from(bytes, (byte) => String.fromCharCode(byte + 0xff61 - 0xa1)).join(''),
)

// WHATWG's label iso-8859-1 means windows-1252, so Latin-1 goes by Node's own.
const latin1 = codedSet([0x2d, 0x41], 'G1', 1, (bytes) => bytes.toString('latin1'))

const eucJp = new TextDecoder('euc-jp')
const eucKr = new TextDecoder('euc-kr')
const gbk = new TextDecoder('gbk')

const jisX0208 = codedSet([0x24, 0x42], 'G0', 2, (bytes) => eucJp.decode(bytes.map((byte) => byte | 0x80)))
const jisX0212 = codedSet([0x24, 0x28, 0x44], 'G0', 2, (bytes) => eucJp.decode(eucCodeSet3(bytes)))
const ksX1001 = codedSet([0x24, 0x29, 0x43], 'G1', 2, (bytes) => eucKr.decode(bytes))
const gb2312 = codedSet([0x24, 0x29, 0x41], 'G1', 2, (bytes) => gbk.decode(bytes))

/** By the number of the defined term: `ISO_IR n` and `ISO 2022 IR n`. */
export const REPERTOIRES: Readonly<Record<number, Repertoire>> = {
  6: { G0: ascii },
  13: { G0: romaji, G1: katakana },
  58: { G1: gb2312 },
  87: { G0: jisX0208 },
  100: { G0: ascii, G1: latin1 },
  101: { G0: ascii, G1: singleByte(0x42, 'iso-8859-2') },
  109: { G0: ascii, G1: singleByte(0x43, 'iso-8859-3') },
  110: { G0: ascii, G1: singleByte(0x44, 'iso-8859-4') },
  126: { G0: ascii, G1: singleByte(0x46, 'iso-8859-7') },
  127: { G0: ascii, G1: singleByte(0x47, 'iso-8859-6') },
  138: { G0: ascii, G1: singleByte(0x48, 'iso-8859-8') },
  144: { G0: ascii, G1: singleByte(0x4c, 'iso-8859-5') },
  148: { G0: ascii, G1: singleByte(0x4d, 'windows-1254') },
  149: { G1: ksX1001 },
  159: { G0: jisX0212 },
  166: { G0: ascii, G1: singleByte(0x54, 'windows-874') },
  203: { G0: ascii, G1: singleByte(0x62, 'iso-8859-15') },
}

function singleByte(final: number, label: string): CodedSet {
  const decoder = new TextDecoder(label)
  return codedSet([0x2d, final], 'G1', 1, (bytes) => decoder.decode(bytes))
}

function codedSet(
  calledBy: readonly number[],
  half: 'G0' | 'G1',
  bytesPerCharacter: 1 | 2,
  decode: (bytes: Buffer) => string,
): CodedSet {
  let table: Map<string, Buffer> | undefined
  const encode = (character: string) => {
    table ??= reversed(decode, codePoints(half, bytesPerCharacter))
    return table.get(character)
  }
  return { escape: calledBy, half, bytesPerCharacter, decode, encode }
}

function* codePoints(half: 'G0' | 'G1', bytesPerCharacter: 1 | 2): Generator<Buffer> {
  const base = half === 'G0' ? 0x20 : 0xa0
  // A 96-character set has its corners too; a 94 x 94 one has not.
  if (bytesPerCharacter === 1) for (let i = 0; i < 96; i++) yield Buffer.of(base + i)
  else for (let i = 1; i < 95; i++) for (let j = 1; j < 95; j++) yield Buffer.of(base + i, base + j)
}

/** Characters to bytes, from decoding every code of a set; the first code of a character wins. */
export function reversed(decode: (bytes: Buffer) => string, codes: Iterable<Buffer>): Map<string, Buffer> {
  const table = new Map<string, Buffer>()
  const all = [...codes]
  for (const [at, character] of decodedOneByOne(decode, all).entries()) {
    const single = character.length === (character.codePointAt(0)! > 0xffff ? 2 : 1)
    if (single && character !== '\ufffd' && !table.has(character)) table.set(character, all[at]!)
  }
  return table
}

const LINE_FEED = Buffer.of(0x0a)

// One call for all codes when each gives a line of its own: a decoder called 60,000 times holds up everything else.
function decodedOneByOne(decode: (bytes: Buffer) => string, codes: readonly Buffer[]): string[] {
  const lines = decode(Buffer.concat(codes.flatMap((code) => [code, LINE_FEED]))).split('\n')
  return lines.length === codes.length + 1 ? lines.slice(0, -1) : codes.map(decode)
}

// EUC-JP calls JIS X 0212 by the single shift 8F before each pair.
function eucCodeSet3(bytes: Buffer): Buffer {
  const out: number[] = []
  for (let i = 0; i + 1 < bytes.length; i += 2) out.push(0x8f, bytes[i]! | 0x80, bytes[i + 1]! | 0x80)
  return Buffer.from(out)
}
