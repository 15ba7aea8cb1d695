import { expect, test } from 'vitest'
import { contentHash, messageKey } from './identity.ts'
import { parseMessage } from './message.ts'

const order = ({ id = '1', at = '20261122', sequence = '', name = 'TEST^A', tail = '' } = {}) =>
  parseMessage(
    Buffer.from(
      `MSH|^~\\&|RIS|SITE|ISO|MAIN|${at}||ORM^O01|${id}|P|2.5.1|${sequence}\rPID|1||S1^^^MAIN||${name}${tail}\r` +
        'ORC|NW|P1^RIS\rOBR|1|P1^RIS||CT1^CT head^99MAIN\r',
    ),
  )

test('[OS-01] a message is known by its sender, its facility and its control id', () => {
  expect(messageKey(order())).toEqual({ sendingApplication: 'RIS', sendingFacility: 'SITE', controlId: '1' })
  expect(messageKey(order(), 'day').scope).toBe('20261122')
})

test('[OS-01] a resent message has the same content, whatever the engine stamped on it', () => {
  const first = contentHash(order())
  expect(contentHash(order({ at: '20261123', sequence: '7' }))).toBe(first)
  expect(contentHash(order({ tail: '^^^&&~|||' }))).toBe(first)
  expect(contentHash(order({ name: 'TEST^B' }))).not.toBe(first)
})
