import { expect, test } from 'vitest'
import { filesOf } from './screens-at-hand.ts'

test('a person’s places and what is below them are kept at hand, each file once, and nobody else’s', () => {
  const routes = [
    { module: 'shell.js' },
    { path: 'reading', module: 'list.js', imports: ['table.js'], css: ['list.css'] },
    { path: 'reading/:itemId', module: 'room.js', imports: ['table.js'] },
    { path: 'catalogue', module: 'catalogue.js', imports: ['table.js'] },
  ]
  expect([...filesOf(routes, ['/reading', '/late'])]).toEqual(['list.js', 'table.js', 'list.css', 'room.js'])
})
