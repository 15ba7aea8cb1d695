import { expect, onTestFinished, test } from 'vitest'
import { giveBackWhenQuiet } from './give-back.ts'

test('memory is given back once after a burst, and not while somebody sends', async () => {
  let [stored, isBusy, given, looks] = [0, true, 0, 0]
  const giving = giveBackWhenQuiet({
    stored: () => {
      looks += 1
      return stored
    },
    isBusy: () => isBusy,
    collect: () => {
      given += 1
    },
    everyMs: 1,
  })
  onTestFinished(giving.stop)
  const someLooks = (more = looks + 5) => expect.poll(() => looks >= more).toBe(true)
  stored = 3
  await someLooks()
  expect(given).toBe(0)
  isBusy = false
  await someLooks()
  expect(given).toBe(1)
  stored = 4
  await someLooks()
  expect(given).toBe(2)
})
