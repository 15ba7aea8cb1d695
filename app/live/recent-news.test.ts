import { expect, test } from 'vitest'
import { REMEMBERED_MS } from './live-message.ts'
import { type HeardMessage, recentNews } from './recent-news.ts'

const heard = (heardMs: number, ...topics: string[]): HeardMessage => ({
  kind: 'message',
  heardMs,
  message: { topics, at: '2026-03-12T09:42:07Z', departmentNow: '2026-03-12T09:42:07Z', rate: 1 },
})
const topics = (messages: HeardMessage[]) => messages.flatMap(({ message }) => message.topics)

test('[RW-09] a screen that listens late hears what came since it asked for its rows', () => {
  const recent = recentNews()
  recent.keep(heard(1_000, 'list:read'))
  recent.keep(heard(2_000, 'list:sign'))
  recent.keep(heard(2_500))
  expect(topics(recent.since(1_500))).toEqual(['list:sign'])
  expect(topics(recent.since(0))).toEqual(['list:read', 'list:sign'])
})

test('what was heard longer ago than a page takes to come is forgotten', () => {
  const recent = recentNews()
  recent.keep(heard(1_000, 'list:read'))
  recent.keep(heard(1_000 + REMEMBERED_MS, 'list:sign'))
  expect(topics(recent.since(0))).toEqual(['list:sign'])
})
