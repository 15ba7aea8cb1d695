/** What the tests use of colours. */
export function greyOf(value: number): string
export function colourOf(lab: readonly number[]): string
