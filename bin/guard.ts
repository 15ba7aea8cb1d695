/**
 * Loaded into every process that the supervisor starts (`node --import`): answers its pings, and ends the process
 * when the supervisor is gone, so that a killed `up` leaves nothing behind that still writes.
 */
const GRACE_MS = 10_000

process.on('message', (message) => {
  if ((message as { type?: unknown }).type === 'ping') process.send?.({ type: 'pong' })
})

process.on('disconnect', () => {
  // First as a clean stop, so that what is in hand is finished and acknowledged.
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.exit(1), GRACE_MS).unref()
})

// Listening must not keep a process alive that has nothing else to do.
process.channel?.unref()
