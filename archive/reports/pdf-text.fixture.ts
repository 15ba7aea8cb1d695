/** Reads a PDF of ours back as a reader program does: which fonts it carries, and what its marks say by their own ToUnicode maps. */
import { inflateSync } from 'node:zlib'

export interface ReadPdf {
  /** All text in the order in which it is drawn, a line per text object. */
  text: string
  /** Font descriptors, and how many of them carry their font file. */
  fonts: { named: number; embedded: number }
  /** Structure types in the order of the file, such as H1 and TD. */
  structure: string[]
  /** The objects of the file as they stand, streams inflated. */
  source: string
}

export function readPdf(bytes: Buffer): ReadPdf {
  const objects = objectsOf(bytes)
  const source = [...objects.values()].join('\n')
  const pages = [...objects.values()].filter((one) => /\/Type \/Page\b/.test(one))
  return {
    text: pages.map((page) => textOf(page, objects)).join('\n'),
    fonts: {
      named: source.match(/\/Type \/FontDescriptor/g)?.length ?? 0,
      embedded: source.match(/\/FontFile[23] \d+ 0 R/g)?.length ?? 0,
    },
    structure: [...objects.values()].flatMap((one) => /^<<\s*\/S \/(\w+)\s+\/P /.exec(one)?.[1] ?? []),
    source,
  }
}

function objectsOf(bytes: Buffer): Map<string, string> {
  const latin = bytes.toString('latin1')
  const objects = new Map<string, string>()
  for (const { 1: number, 2: body = '' } of latin.matchAll(/(\d+) 0 obj\n([\s\S]*?)\nendobj/g)) {
    const [head = '', stream] = body.split(/\nstream\n/)
    if (stream === undefined) objects.set(number!, head)
    else {
      const raw = Buffer.from(stream.replace(/\nendstream$/, ''), 'latin1')
      const plain = head.includes('/FlateDecode') && !head.includes('/Length1') ? inflated(raw) : raw
      objects.set(number!, `${head}\n${plain.toString('latin1')}`)
    }
  }
  return objects
}

function inflated(raw: Buffer): Buffer {
  try {
    return inflateSync(raw)
  } catch {
    return raw
  }
}

function textOf(page: string, objects: Map<string, string>): string {
  const resources = dictionary(page, 'Resources', objects)
  const fonts = new Map<string, Map<string, string>>()
  for (const { 1: name, 2: reference } of resources.matchAll(/\/(F\d+) (\d+) 0 R/g)) {
    const map = /\/ToUnicode (\d+) 0 R/.exec(objects.get(reference!) ?? '')?.[1]
    fonts.set(name!, toUnicode(objects.get(map ?? '') ?? ''))
  }
  const contents = objects.get(/\/Contents (\d+) 0 R/.exec(page)![1]!)!
  let font = new Map<string, string>()
  const lines = contents.split(/\bBT\b/).map((part) => {
    let line = ''
    for (const { 1: name, 2: shown } of part.matchAll(/\/(F\d+) [\d.]+ Tf|\[([^\]]*)\] TJ/g)) {
      if (name) font = fonts.get(name)!
      else
        for (const { 1: hex } of shown!.matchAll(/<([0-9a-f]+)>/gi))
          line += hex!
            .match(/.{4}/g)!
            .map((code) => font.get(code.toLowerCase()) ?? '?')
            .join('')
    }
    return line
  })
  return lines.join('\n')
}

function dictionary(page: string, key: string, objects: Map<string, string>): string {
  const reference = new RegExp(`/${key} (\\d+) 0 R`).exec(page)?.[1]
  return reference ? objects.get(reference)! : page
}

/** beginbfrange of a run of codes with their texts (ISO 32000-1 9.10.3). */
function toUnicode(cmap: string): Map<string, string> {
  const map = new Map<string, string>()
  for (const { 1: from, 2: list } of cmap.matchAll(/<([0-9a-f]+)> <[0-9a-f]+> \[([^\]]*)\]/gi)) {
    let code = Number.parseInt(from!, 16)
    for (const { 1: hex } of list!.matchAll(/<([0-9a-f ]*)>/gi)) {
      const text = Buffer.from(hex!.replaceAll(' ', ''), 'hex').swap16().toString('utf16le')
      map.set(code.toString(16).padStart(4, '0'), text)
      code += 1
    }
  }
  return map
}
