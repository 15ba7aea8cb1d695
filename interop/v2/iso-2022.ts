/** Japanese text by code extension (ISO 2022; HL7 table 0211 ISO IR14, IR87, IR159), which TextDecoder reads only in part. */

const ESC = 0x1b

/** True when an escape sequence switches sets anywhere in the message. */
export function looksLikeIso2022(bytes: Uint8Array): boolean {
  const at = bytes.indexOf(ESC)
  return at >= 0 && (bytes[at + 1] === 0x24 || bytes[at + 1] === 0x28 || bytes[at + 1] === 0x29)
}

type Set0 = 'single' | 'katakana' | 'jisX0208' | 'jisX0212'

const switches: { sequence: number[]; set: Set0 | 'g1' }[] = [
  { sequence: [0x28, 0x42], set: 'single' },
  { sequence: [0x28, 0x4a], set: 'single' },
  { sequence: [0x28, 0x49], set: 'katakana' },
  { sequence: [0x29, 0x49], set: 'g1' },
  { sequence: [0x24, 0x40], set: 'jisX0208' },
  { sequence: [0x24, 0x42], set: 'jisX0208' },
  { sequence: [0x24, 0x28, 0x44], set: 'jisX0212' },
]

/**
 * Turns code extension into EUC-JP, which the platform decodes in full: JIS X 0208 with the high bit set,
 * JIS X 0212 behind 8F, half-width katakana behind 8E. State returns to single bytes at every line end.
 * In JIS Roman 5C shows a yen sign and 7E an overline, but they stay the delimiters `\` and `~`.
 */
export function decodeIso2022(bytes: Uint8Array): string {
  const euc: number[] = []
  let set: Set0 = 'single'
  let at = 0
  while (at < bytes.length) {
    const byte = bytes[at]!
    const change =
      byte === ESC ? switches.find((s) => s.sequence.every((b, i) => bytes[at + 1 + i] === b)) : undefined
    if (change) {
      if (change.set !== 'g1') set = change.set
      at += 1 + change.sequence.length
    } else if (byte === 0x0d || byte === 0x0a) {
      set = 'single'
      euc.push(byte)
      at += 1
    } else at += copy(bytes, at, set, euc)
  }
  return new TextDecoder('euc-jp').decode(Uint8Array.from(euc))
}

/** Copies one character and returns how many bytes it took. */
function copy(bytes: Uint8Array, at: number, set: Set0, euc: number[]): number {
  const byte = bytes[at]!
  if (byte >= 0xa1 && byte <= 0xdf) {
    euc.push(0x8e, byte)
    return 1
  }
  if (byte < 0x21 || byte > 0x7e || set === 'single') {
    euc.push(byte)
    return 1
  }
  if (set === 'katakana') {
    euc.push(0x8e, byte | 0x80)
    return 1
  }
  const second = bytes[at + 1]
  if (second === undefined || second < 0x21 || second > 0x7e) return 1
  if (set === 'jisX0212') euc.push(0x8f)
  euc.push(byte | 0x80, second | 0x80)
  return 2
}
