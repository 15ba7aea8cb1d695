/** Look-up tables of presentation states, read from what OHIF has read (PS3.3 C.11.1.1, C.11.2.1.1, C.11.4), and written. */

const MOST_ENTRIES = 65_536

/**
 * Tables stand in the metadata, or at an address of the archive when they are long.
 * @param isSigned whether the values that it is for may be below nought, which decides how a US descriptor is read
 * @returns `{ first, entries, most }` with entries from 0 to 1 of `most`
 * @throws for what is no table
 */
export async function readTable(item, { isSigned = false, fetchBulk = bulkOf } = {}) {
  const [count, first, bits] = [item.LUTDescriptor].flat().map(Number)
  if (![count, first, bits].every(Number.isInteger) || bits < 1 || bits > 16)
    throw new Error('a descriptor has three numbers')
  const wanted = count & 0xffff || MOST_ENTRIES
  const values = (await entriesOf(item.LUTData, { wanted, fetchBulk })).subarray(0, wanted)
  if (values.length === 0) throw new Error('a table without entries')
  // Some say sixteen bits and mean eight.
  const most = 2 ** (bits > 8 && values.every((value) => value < 256) ? 8 : bits) - 1
  return {
    first: isSigned && first > 0x7fff ? first - MOST_ENTRIES : first,
    entries: Float64Array.from(values, (value) => Math.min(value / most, 1)),
    most,
  }
}

async function entriesOf(data, { wanted, fetchBulk }) {
  if (Array.isArray(data) || typeof data === 'number')
    return Uint16Array.from([data].flat(), (value) => value & 0xffff)
  const bytes = await bytesOfTable(data, fetchBulk)
  // Entries of eight bits may stand two to a word.
  if (bytes.length < wanted * 2) return bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Uint16Array.from({ length: bytes.length >> 1 }, (_, n) => view.getUint16(2 * n, true))
}

/** As they stand in the metadata, or at their address. */
export async function bytesOfTable(data, fetchBulk = bulkOf) {
  if (data?.InlineBinary) return Uint8Array.from(atob(data.InlineBinary), (letter) => letter.charCodeAt(0))
  return new Uint8Array(data instanceof ArrayBuffer ? data : await fetchBulk(data?.BulkDataURI))
}

async function bulkOf(uri) {
  if (!uri) throw new Error('a table without data')
  const answered = await fetch(uri, { headers: { Accept: 'application/octet-stream' } })
  if (!answered.ok) throw new Error(`data of a table: ${answered.status}`)
  return answered.arrayBuffer()
}

/** What a table makes of a value: values below take the first entry, values beyond the last one. */
export function lookedUp({ first, entries }, value) {
  const at = Math.min(Math.max(value - first, 0), entries.length - 1)
  const low = Math.floor(at)
  const next = entries[Math.min(low + 1, entries.length - 1)]
  return entries[low] + (next - entries[low]) * (at - low)
}

/** A table for each whole value of a range, as an item of a sequence; null for a range with too few or too many. */
export function tableValues({ lower, upper }, grey) {
  const first = Math.floor(lower)
  const count = Math.ceil(upper) - first + 1
  if (count < LEAST_ENTRIES || count >= MOST_ENTRIES || first < -0x8000 || first > 0x7fff) return null
  const bytes = new DataView(new ArrayBuffer(count * 2))
  for (let n = 0; n < count; n += 1) bytes.setUint16(2 * n, Math.round(grey(first + n) * 0xffff), true)
  let text = ''
  for (const byte of new Uint8Array(bytes.buffer)) text += String.fromCharCode(byte)
  // Both numbers are read with one VR: as SS where the first is below nought (PS3.3 C.11.2.1.1).
  const signed = (value) => (value > 0x7fff ? value - MOST_ENTRIES : value)
  return {
    LUTDescriptor: first < 0 ? [signed(count), first, 16] : [count, first, 16],
    LUTData: { InlineBinary: btoa(text) },
  }
}

/** A table of steps that can be seen is none to keep. */
const LEAST_ENTRIES = 64
