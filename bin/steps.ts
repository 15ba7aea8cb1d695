/** Says what a start is doing and how long each part took; what was downloaded is added up apart. */
export class Steps {
  readonly #begun = Date.now()
  #downloadMs = 0
  readonly #say: (line: string) => void

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** Runs a part and says its time. A part that answers false had nothing to do and says nothing. */
  async take<T>(name: string, part: () => T | Promise<T>): Promise<T> {
    const begun = Date.now()
    const result = await part()
    if (result !== false) this.#report(name, Date.now() - begun)
    return result
  }

  /** Counts time that was spent on the network, whether in this process or before it. */
  download(name: string, ms: number, options: { isBeforeUs?: boolean } = {}): void {
    this.#downloadMs += options.isBeforeUs ? 0 : ms
    this.#report(`${name} (download)`, ms)
  }

  summary(): string {
    const own = seconds(Date.now() - this.#begun - this.#downloadMs)
    return `Started in ${own} s, downloads not counted.`
  }

  #report(name: string, ms: number): void {
    this.#say(`  ${name.padEnd(44)} ${seconds(ms).padStart(6)} s`)
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
