/** What the tests of the server's side use of the viewer's. */
export type Values = { SOPInstanceUID: string; [keyword: string]: unknown }
export function dicomJson(values: Values): Record<string, unknown>
export function presentationValues(shown: object): Values
export function keyImageValues(marked: object): Values
