/** A process of ours as its supervisor runs it: started again whenever it dies, stopped by SIGTERM. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Child {
  /** The places where it was killed, in order. */
  deaths: string[]
  stop(): Promise<void>
}

/**
 * Runs `entry`; the armed places kill it one after the other. Resolves when it is ready for the first time.
 */
export async function runUntilStopped(options: {
  entry: string
  env: Record<string, string>
  failpointFile: string
  killAt: string[]
}): Promise<Child> {
  const { entry, env, failpointFile } = options
  const killAt = [...options.killAt]
  const deaths: string[] = []
  let armed: string | undefined
  let child: ChildProcess
  let stopping = false

  async function launch(): Promise<void> {
    armed = killAt.shift()
    if (armed !== undefined) writeFileSync(failpointFile, armed)
    child = spawn(process.execPath, [fileURLToPath(new URL(`../../${entry}`, import.meta.url))], {
      env: { PATH: process.env.PATH, ...env, ISOCENTER_FAILPOINT_FILE: failpointFile },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child.once('exit', (_code, signal) => {
      if (stopping) return
      deaths.push(signal === 'SIGKILL' && armed !== undefined ? armed : `unexpected: ${signal ?? _code}`)
      void launch()
    })
    await once(child, 'message')
  }

  await launch()
  return {
    deaths,
    async stop() {
      stopping = true
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
