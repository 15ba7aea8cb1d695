/** docs/benchmarks.md: each bench owns one section of it and leaves the others alone. */
import { readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('../docs/benchmarks.md', import.meta.url)

export function writeSection(name: string, text: string): void {
  const before = readFileSync(FILE, 'utf8')
  const [begin, end] = [`<!-- ${name} begins -->`, `<!-- ${name} ends -->`]
  const from = before.indexOf(begin)
  const to = before.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no section ${name}`)
  writeFileSync(FILE, `${before.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${before.slice(to)}`)
}
