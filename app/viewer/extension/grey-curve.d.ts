/** What the tests use of how values become grey. */
export interface Rescale {
  slope: number
  intercept: number
}
export interface Curve {
  lower: number
  upper: number
  form: string
  grey: ((value: number) => number) | null
}
export function curveOf(
  state: { voi: object | null; rescale: Rescale; modalityTable?: object; greyTable?: object },
  image: { ours: Rescale; stored: { lower: number; upper: number } },
): Curve | null
export function windowOf(
  range: { lower: number; upper: number },
  form?: string,
): { center: number; width: number; form: string }
