/** What Linux says of a process id: whether it lives, since when, and what it runs; a bare pid is reused too soon. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export function isAlive(pid: number): boolean {
  const state = statFields(pid)?.[0]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Clock ticks between boot and the start of the process: with the pid it names one process for ever. */
export function startedAtTicks(pid: number): number | undefined {
  const ticks = statFields(pid)?.[19]
  return ticks === undefined ? undefined : Number(ticks)
}

/** The command line, arguments apart by spaces; empty when the process is gone. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** The fields of /proc/<pid>/stat after the command's name, which may itself hold spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Sends each signal in turn until the process has gone; answers whether it has. */
export async function endProcess(
  pid: number,
  steps: { signal: NodeJS.Signals; waitMs: number }[],
): Promise<boolean> {
  for (const { signal, waitMs } of steps) {
    if (!isAlive(pid)) return true
    try {
      process.kill(pid, signal)
    } catch {
      return !isAlive(pid)
    }
    const until = Date.now() + waitMs
    while (Date.now() < until && isAlive(pid)) await sleep(25)
  }
  return !isAlive(pid)
}
