/** What the tests use of how presentation states are read. */
export interface ImageOf {
  study: string
  uid: string
  frame: number
}
export interface State {
  study: string
  images: object[]
  windows: { table?: object }[]
  layers: Map<string, { order: number; colour?: string }>
  annotations: { texts: object[]; graphics: object[] }[]
  shutters: object[]
  areas: object[]
  lacks: Set<string>
}
export function stateOf(instance: object): State
export function withTables(state: State, instance: object): Promise<State>
export function isFor(state: State, image: ImageOf): boolean
export function itemFor<T>(list: T[], image: ImageOf): T | undefined
