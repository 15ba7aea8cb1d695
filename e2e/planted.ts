/** Searching every place where no patient may stand: logs, workflow histories, events, what the command line says. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { EmrReceiver } from '#simulator/emr.ts'
import type { RunningDepartment } from './department.ts'
import type { Walked } from './journey.ts'
import { orderOf, timelineOf } from './order-json.ts'
import { allHistories } from './workflow-history.ts'

/** Nobody's name, number or birth date stands in a log, a history, an event or the output; the report itself does name them, and each place is full. */
export async function expectNobodyNamed(
  department: RunningDepartment,
  emr: EmrReceiver,
  walked: readonly Walked[],
): Promise<void> {
  const orders = await Promise.all(walked.map(({ sent }) => orderOf(department, sent.placer)))
  for (const { patient, sent } of walked) {
    const report = emr.messages.find(({ placer }) => placer === sent.placer)
    expect(names(report?.bytes.toString('utf8') ?? '', plantedWords(patient))).toBe(true)
  }
  const words = [...new Set(walked.flatMap(({ patient }) => plantedWords(patient)))]
  const logs = logsOf(department.home)
  const histories = await allHistories(department)
  const events = await Promise.all(orders.map(({ id }) => timelineOf(department, id)))
  for (const { id } of orders) {
    expect(histories.some((text) => text.includes(id))).toBe(true)
    expect(events.flat().length).toBeGreaterThan(orders.length * 20)
  }
  for (const name of ['app', 'archive', 'interop', 'relay', 'workers', 'postgres', 'temporal'])
    expect(logs.map((log) => log.name)).toContain(`${name}.log`)
  const places = [
    ...logs,
    { name: 'output of the command', text: department.output() },
    { name: 'workflow histories', text: histories.join('\n') },
    { name: 'order events', text: JSON.stringify(events) },
  ]
  expect(places.filter(({ text }) => names(text, words)).map(({ name }) => name)).toEqual([])
}

/** As a person writes them, and as bytes look where a message or an image was printed. */
function plantedWords({ id, family, given, birthDate }: Walked['patient']): string[] {
  const written = [id, family, given, birthDate]
  const printed = written.map((word) => Buffer.from(word).toString('hex'))
  // Eight digits stand in many a longer number by chance.
  return [...written, ...printed, `(?<![0-9a-f])${birthDate.replaceAll('-', '')}(?![0-9a-f])`]
}

function names(text: string, words: readonly string[]): boolean {
  return new RegExp(words.join('|'), 'i').test(text)
}

function logsOf(home: string): { name: string; text: string }[] {
  const folder = join(home, 'logs')
  return readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))
}
