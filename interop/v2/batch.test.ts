import { expect, test } from 'vitest'
import { splitBatch } from './batch.ts'

const msh = (id: string) => `MSH|^~\\&|A|B|C|D|20260101||ORM^O01|${id}|P|2.5\rPID|1\r`

test('a batch is as many messages as it holds, and its counts are checked', () => {
  const batch = (count: number) =>
    Buffer.from(`FHS|^~\\&|A\rBHS|^~\\&|A\r${msh('1')}${msh('2')}BTS|${count}\rFTS|1\r`)
  expect(splitBatch(batch(2))).toMatchObject({ wrapped: true, countsDisagree: false })
  expect(splitBatch(batch(3)).countsDisagree).toBe(true)
  expect(splitBatch(batch(2)).messages.map(String)).toEqual([msh('1'), msh('2')])
})

test('a broken message in the middle of a batch costs nothing', () => {
  const bytes = Buffer.from(`BHS|^~\\&|A\r${msh('1')}MSH|^~\r${msh('3')}BTS|3\r`)
  expect(splitBatch(bytes).messages.map(String)).toEqual([msh('1'), 'MSH|^~\r', msh('3')])
})

test('several bare messages in a frame are read as several, and one stays as it came', () => {
  expect(splitBatch(Buffer.from(msh('1') + msh('2'))).messages.length).toBe(2)
  const single = Buffer.from(`\ufeff\r\n${msh('1')}MSHA is text\r`)
  expect(splitBatch(single)).toEqual({ messages: [single], countsDisagree: false, wrapped: false })
})
