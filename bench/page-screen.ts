/** The reading list in a real browser page; a row counts when a frame with it is about to be drawn. */
import type { Browser, Page } from 'playwright-core'
import type { Change, Screen, SignedIn } from './screen.ts'

/** Each page has a browser context of its own, so a session and an event stream of its own. */
export async function openPage(browser: Browser, { app, user, password }: SignedIn): Promise<Screen> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.goto(`${app}/sign-in?to=/reading`)
  await page.fill('#userName', user)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
  await page.waitForURL(`${app}/reading`)
  await page.waitForSelector('tr[data-item]')
  await page.getByText('Live', { exact: true }).waitFor()
  return {
    kind: 'page',
    watchFor: (change) => watchFor(page, change),
    shown: () => page.evaluate(() => (window as unknown as { shown: Promise<number> }).shown),
    close: () => context.close(),
  }
}

function watchFor(page: Page, change: Change): Promise<void> {
  return page.evaluate(({ orderId, state }) => {
    const list = document.querySelector('.worklist')!
    const isInView = (row: Element) => {
      const { top, bottom } = row.getBoundingClientRect()
      const scroller = list.querySelector('.worklist-scroll')!.getBoundingClientRect()
      return top >= scroller.top && bottom <= scroller.bottom
    }
    const isThere = () => {
      const row = list.querySelector(`tr[data-order="${orderId}"]`)
      if (state === 'gone') return row === null || row.hasAttribute('data-gone')
      if (row === null || !isInView(row)) return false
      return state === 'listed' || row.classList.contains('taken') === (state === 'taken')
    }
    const shown = new Promise<number>((resolve) => {
      const observer = new MutationObserver(() => {
        if (!isThere()) return
        observer.disconnect()
        requestAnimationFrame(() => resolve(Date.now()))
      })
      observer.observe(list, { subtree: true, childList: true, attributes: true })
    })
    Object.assign(window, { shown })
  }, change)
}
