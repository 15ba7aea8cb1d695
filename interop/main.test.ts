/** The listener of orders as it runs: a process of its own, a socket, a database. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { freePort } from '#bin/testing/free-port.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import { frame, frameLimits } from './v2/frame.ts'
import { parseMessage } from './v2/message.ts'

test('a frame over 16 MB is refused under its control id, kept for people, and the connection goes on', async () => {
  const [databaseUrl, port] = [await testDatabase(), await freePort()]
  const department = await seededDepartment(databaseUrl)
  const listener = spawn(process.execPath, [new URL('main.ts', import.meta.url).pathname], {
    env: { DATABASE_URL: databaseUrl, ISOCENTER_MLLP_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(listener, 'message')
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk
  })
  const message = (controlId: string, more = '') =>
    Buffer.from(`MSH|^~\\&|EMR|MAIN|ISO|MAIN|20261122120000||ADT^A08|${controlId}|P|2.5.1\rNTE|1||${more}\r`)
  socket.write(frame(message('LONG', 'x'.repeat(frameLimits.maxFrameBytes))))
  socket.write(frame(message('NEXT')))
  await vi.waitFor(() => expect(said).toContain('|NEXT'), { timeout: 20_000 })
  const [first] = said.split('\x1c')
  const answer = parseMessage(Buffer.from(first!.slice(1)))
  expect(['MSA-1', 'MSA-2', 'ERR-3'].map((path) => answer.get(path))).toEqual(['AE', 'LONG', '207'])
  await vi.waitFor(
    async () =>
      expect(
        await department.sql`select reason_code as why, state from exceptions where key like 'listener:%'`,
      ).toEqual([{ why: 'too-long', state: 'open' }]),
    { timeout: 20_000 },
  )
  socket.destroy()
  listener.kill('SIGTERM')
  await once(listener, 'exit')
  await department.close()
})
