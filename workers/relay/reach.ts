/** Whether Temporal answers, and since when it does not (machine clock). */

export interface Reach {
  /** Runs a call with a deadline and remembers whether it was answered. @throws what the call threw */
  ask<T>(call: () => Promise<T>): Promise<T>
  /** Null while Temporal answers. */
  downForMs(): number | null
}

export function watchReach(onRegained: () => void): Reach {
  let downSince: number | null = null
  return {
    async ask(call) {
      try {
        const answer = await call()
        if (downSince !== null) onRegained()
        downSince = null
        return answer
      } catch (error) {
        downSince ??= Date.now()
        throw error
      }
    },
    downForMs: () => (downSince === null ? null : Date.now() - downSince),
  }
}
