/** The one place where an error of ours becomes a failure that workflows can branch on. */
import { ApplicationFailure } from '@temporalio/common'
import { refusalCode } from '#domain/errors.ts'

/** Wraps each activity: a refusal keeps its code as the failure's type; anything else is retried as it is. */
export function refusalsAsFailures<T extends object>(activities: T): T {
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      async (...args: unknown[]) => {
        try {
          return await (activity as (...args: unknown[]) => Promise<unknown>)(...args)
        } catch (error) {
          throw asFailure(error)
        }
      },
    ]),
  ) as T
}

function asFailure(error: unknown): unknown {
  const code = refusalCode(error)
  if (code === null) return error
  return ApplicationFailure.create({ message: (error as Error).message, type: code })
}
