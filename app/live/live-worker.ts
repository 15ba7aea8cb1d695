/** The browser's one connection to the event stream, shared by all its pages: HTTP/1.1 allows six per host. */
import { keepListening } from './event-source.ts'
import type { LiveNews } from './live-message.ts'
import { type HeardMessage, recentNews } from './recent-news.ts'

const pages = new Set<MessagePort>()
let state: LiveNews = { kind: 'state', open: false }
let newest: HeardMessage | undefined
const recent = recentNews()

const connection = keepListening((news) => {
  if (news.kind === 'state') state = news
  else {
    newest = news
    recent.keep(news)
  }
  for (const page of pages) page.postMessage(news)
})

addEventListener('connect', (event) => {
  const page = (event as MessageEvent).ports[0]
  if (!page) return
  pages.add(page)
  // A worker isn't told when a page goes, so pages say so themselves.
  page.onmessage = ({ data }) => {
    if (data === 'leaving') pages.delete(page)
  }
  connection.nudge()
  page.postMessage(state)
  // Its rows may have been read before what was just heard.
  for (const heard of recent.since(0)) page.postMessage(heard)
  if (newest) page.postMessage({ ...newest, message: { ...newest.message, topics: [] } })
})
