import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { anEnvelope, anOrder } from '#db/order.fixture.ts'
import type { Demonstration } from '#db/seed/demo.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { type RunningApp, signIn } from './app.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens
let department: Department
let demonstration: Demonstration
let app: RunningApp
let browser: Browser

beforeAll(async () => {
  screens = await openScreens('native-names')
  ;({ department, demonstration, app, browser } = screens)
}, 180_000)

afterAll(() => screens?.close())

async function orderFor(name: NameSaid): Promise<string> {
  const { patient } = anOrder()
  const order = anOrder({ patient: { ...patient, name } })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  return received.orderIds[0]!
}

interface Drawn {
  familyName: string
  /** It came from us. */
  isCustomFont: boolean
}

/** The fonts that the browser drew the name in this row with. */
async function fontsOf(page: Page, orderId: string): Promise<Drawn[]> {
  const browserSession = await page.context().newCDPSession(page)
  await browserSession.send('DOM.enable')
  await browserSession.send('CSS.enable')
  const { root } = await browserSession.send('DOM.getDocument')
  const { nodeId } = await browserSession.send('DOM.querySelector', {
    nodeId: root.nodeId,
    selector: `tr[data-order="${orderId}"] .patient-name`,
  })
  const { fonts } = await browserSession.send('CSS.getPlatformFontsForNode', { nodeId })
  await browserSession.detach()
  return fonts
}

test('a Korean or Japanese name is drawn with our own font, and a page without one loads none', async () => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const loaded: string[] = []
  page.on('request', (request) => {
    const [font] = /noto-sans-[a-z]+/.exec(request.url()) ?? []
    if (font && request.resourceType() === 'font') loaded.push(font)
  })
  const listed = async (orderId: string) => {
    // A font that comes late is for the next view, so that nothing jumps in this one.
    const foreign = async () => {
      await page.goto(`${app.url}/orders`)
      await page.waitForSelector(`tr[data-order="${orderId}"]`)
      await page.evaluate(() => document.fonts.ready)
      return (await fontsOf(page, orderId)).filter(({ isCustomFont }) => !isCustomFont)
    }
    await expect.poll(foreign, { timeout: 20_000, interval: 500 }).toEqual([])
    const fonts = (await fontsOf(page, orderId)).map(({ familyName }) => familyName)
    return { fonts, loaded: new Set(loaded) }
  }
  await signIn(page, app.url, demonstration.accounts.find(({ user }) => user === 'head')!)

  const latin = await listed(await orderFor({ alphabetic: { family: 'ÇELİK', given: 'Yağmur' } }))
  expect([...latin.loaded]).toEqual([])

  const korean = await listed(await orderFor({ alphabetic: { family: '홍', given: '길동' } }))
  expect(korean.fonts).toContainEqual(expect.stringMatching(/^Noto Sans KR/))
  expect([...korean.loaded]).toEqual(['noto-sans-kr'])

  const japanese = await listed(
    await orderFor({
      alphabetic: { family: 'YAMADA', given: 'Tarō' },
      ideographic: { family: '山田', given: 'たろう' },
    }),
  )
  expect(japanese.fonts).toContainEqual(expect.stringMatching(/^Noto Sans JP/))
  await page.close()
}, 60_000)
