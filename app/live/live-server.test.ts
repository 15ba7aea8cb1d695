import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Department, openDepartment } from '#db/department.ts'
import { emptyDatabase } from '../../bin/testing/database.ts'
import { EVERYTHING, type LiveMessage } from './live-message.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'

let department: Department
let live: LiveServer
let url: string
const web = createServer((request, response) => live.stream(request, response))

beforeAll(async () => {
  department = openDepartment(await emptyDatabase(), { name: 'live-test' })
  await department.sql`
    insert into department_clock (base_machine, base_department, rate)
    values ('2026-01-01T00:00:00Z', '2026-03-12T09:00:00Z', 1)`
  live = await startLiveServer(department)
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`
})

afterAll(async () => {
  await live.close()
  web.closeAllConnections()
  web.close()
  await department.close()
})

/** Reads messages of one page until `found`. */
async function listen(
  found: (message: LiveMessage) => boolean,
  onOpen: () => void = () => {},
): Promise<LiveMessage> {
  const response = await fetch(url)
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true })
    for (const line of text.split('\n\n')) {
      if (!line.startsWith('data: ')) continue
      const message = JSON.parse(line.slice(6)) as LiveMessage
      if (found(message)) return message
    }
    if (text.includes('retry:')) onOpen()
  }
  throw new Error('the stream ended')
}

test('[RW-09] a change in the database reaches every open page within a second', async () => {
  const started = performance.now()
  const pages = Array.from({ length: 20 }, () => {
    let rung = false
    return listen(
      (message) => message.topics.includes('list:read'),
      () => {
        if (!rung) department.announce(['list:read', 'order:01J0000000000000000000000X'])
        rung = true
      },
    )
  })
  const heard = await Promise.all(pages)
  expect(heard).toHaveLength(20)
  expect(performance.now() - started).toBeLessThan(1_000)
})

test('a new page learns the department’s time at once, which is not the machine’s', async () => {
  const { at, departmentNow, rate } = await listen(() => true)
  const ahead = Date.parse(departmentNow) - Date.parse(at)
  expect(
    Math.abs(ahead - (Date.parse('2026-03-12T09:00:00Z') - Date.parse('2026-01-01T00:00:00Z'))),
  ).toBeLessThan(1_000)
  expect(rate).toBe(1)
})

test('after the database connection was lost every page is told to ask again', async () => {
  const heard = listen(
    (message) => message.topics.includes(EVERYTHING),
    () =>
      void department.sql`select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'`.catch(
        () => {},
      ),
  )
  expect((await heard).topics).toContain(EVERYTHING)
})
