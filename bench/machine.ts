/** The machine a figure was measured on: a figure without it says nothing. */
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB memory`
  const system = `${distribution() ?? `${type()} ${release()}`}, Node ${process.versions.node}`
  const model = `${cpus()[0]?.model.trim() ?? 'unknown processor'} (${arch()})`
  return `${availableParallelism()} cores of ${model}, ${memory}, ${system}`
}

/** What else the machine was doing, as the kernel's average over the last minute. */
export function load(): string {
  return loadavg()[0]!.toFixed(1)
}

function distribution(): string | undefined {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  } catch {
    return undefined // not a Linux with this file: the kernel's name does
  }
}
