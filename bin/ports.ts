/** Whether the ports a department needs are free, said before anything is started. */
import { createServer } from 'node:net'
import { missing } from './failure.ts'

/** @throws CommandFailure 3, one line, naming the first port that cannot be listened on and the remedy */
export async function requireFreePorts(host: string, needed: Record<string, number>): Promise<void> {
  for (const [name, port] of Object.entries(needed)) {
    const refusal = await tryPort(host, port)
    if (refusal === undefined) continue
    if (refusal === 'EADDRINUSE') {
      throw missing(
        `port ${port} (${name}) is taken; stop what listens there, or start with --base-port N for other ports`,
      )
    }
    throw missing(
      `port ${port} (${name}) on ${host} cannot be listened on (${refusal}); choose others: --base-port N`,
    )
  }
}

async function tryPort(host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}
