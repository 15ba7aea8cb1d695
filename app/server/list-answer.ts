/** A long list on its way to a screen: fifty screens ask at once, so each gets only the rows that it does not have. */
import { createHash, randomBytes } from 'node:crypto'

/** Far more than the lists of a department hold at a time. */
const NUMBERS_KEPT = 20_000
const LISTS_KEPT = 500
const ANSWERS_KEPT = 200

/** Numbers mean nothing to another process, or to this one started again: a version says whose they are. */
const thisProcess = randomBytes(6).toString('base64url')
let newest = 0
const numbers = new Map<string, number>()
const lists = new Map<string, readonly number[]>()
const answers = new Map<string, string>()

/** The number of what a row says, as JSON. */
export function numberOf(text: string): number {
  const known = numbers.get(text)
  if (known !== undefined) return known
  newest += 1
  keep(numbers, text, newest, NUMBERS_KEPT)
  return newest
}

/**
 * The JSON of a `RowsAnswer`. What the asker already has only leaves rows out: a forged version shows nobody more.
 * @param rows the asker's own list, row by row, as `numberOf` and as JSON
 * @param have the version of the asker's last answer
 */
export function listAnswer(rows: readonly { number: number; text: string }[], have: string): string {
  const order = rows.map(({ number }) => number)
  const version = `${thisProcess}.${createHash('sha1').update(order.join()).digest('base64url')}`
  if (have === version) return JSON.stringify({ version })
  const key = `${have} ${version}`
  const made = answers.get(key)
  if (made) return made
  const had = new Set(lists.get(have))
  const lacking = rows.filter(({ number }) => !had.has(number))
  const fields = lacking.map(({ number, text }) => `"${number}":${text}`).join()
  const answer = `{"version":"${version}","order":[${order.join()}],"rows":{${fields}}}`
  keep(lists, version, order, LISTS_KEPT)
  keep(answers, key, answer, ANSWERS_KEPT)
  return answer
}

/** The oldest go first. */
function keep<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}
