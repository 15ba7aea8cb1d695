/** What the tests use of look-up tables. */
export interface Table {
  first: number
  entries: Float64Array
  most: number
}
export function readTable(
  item: object,
  options?: { isSigned?: boolean; fetchBulk?: (uri: string) => Promise<ArrayBuffer> },
): Promise<Table>
export function lookedUp(table: Table, value: number): number
export function tableValues(
  range: { lower: number; upper: number },
  grey: (value: number) => number,
): { LUTDescriptor: number[]; LUTData: { InlineBinary: string } } | null
