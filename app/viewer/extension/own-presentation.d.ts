/** What the tests use of how an image says that it is to be shown. */
import type { Table } from './look-up-table.js'
export interface OwnWindow {
  name?: string
  center: number
  width: number
  form?: string
  table?: Table
}
export interface Own {
  window?: OwnWindow
  modalityTable?: Table
  isInverted: boolean
  padding: { lower: number; upper: number } | null
  hasGreys: boolean
  shutters: object[]
  lacks: Set<string>
}
export function windowsIn(instance: object): OwnWindow[]
export function isInverse(instance: object): boolean
export function ownOf(instance: object, chosen?: number): Own | null
export function withOwnTables(
  own: Own,
  options?: { fetchBulk?: (uri: string) => Promise<ArrayBuffer> },
): Promise<Own>
export function rangeBeside(
  padding: { lower: number; upper: number },
  image: { values: ArrayLike<number> & Iterable<number>; slope: number; intercept: number },
): { lower: number; upper: number } | null
export function keyOfOwn(own: Own, imageId: string): string
