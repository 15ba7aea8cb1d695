/** A screen of the reading list that a measurement looks at: a real page, or a program that does what a page does. */

/** What a row change looks like to somebody who sees the list. */
export interface Change {
  orderId: string
  state: 'listed' | 'taken' | 'free' | 'gone'
}

export interface Screen {
  kind: 'page' | 'program'
  /** Begins to look for a change; call it before the change is made. */
  watchFor(change: Change): Promise<void>
  /** When it was on the screen (machine clock, ms). */
  shown(): Promise<number>
  close(): Promise<void>
}

export interface SignedIn {
  app: string
  user: string
  password: string
}
