/** What every process does for its supervisor: says that it is ready, answers pings, stops cleanly when asked. */

/** `stop` runs once, on SIGTERM, SIGINT or when the supervisor is gone; then the process exits with 0. */
export function liveUnderSupervisor(stop: () => Promise<void>): { ready: () => void } {
  let stopping = false
  const end = async () => {
    if (stopping) return
    stopping = true
    await stop()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end())
  if (process.send) process.on('disconnect', () => void end())
  process.on('message', (message: { type?: unknown }) => {
    if (message.type === 'ping') process.send?.({ type: 'pong' })
  })
  return { ready: () => void process.send?.({ type: 'ready' }) }
}
