/** A reason for a command to end that a person can act on: one line, and the exit code the contract gives it. */
export const EXIT = { stopped: 0, usage: 2, missing: 3, held: 4 } as const

export class CommandFailure extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

export function missing(message: string): CommandFailure {
  return new CommandFailure(EXIT.missing, message)
}

export function wrongUsage(message: string): CommandFailure {
  return new CommandFailure(EXIT.usage, message)
}
