import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AT_MOST_EVERY_MS, pacedLoads } from './paced-loads.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A department whose change number is what a load reads, and a screen of it. */
function aScreen({ loadMs = () => 100 }: { loadMs?: () => number } = {}) {
  const seen = { change: 0, shown: 0, loads: 0, atOnce: 0, isActing: false, isDown: false }
  let open = 0
  const loads = pacedLoads({
    isActing: () => seen.isActing,
    async load() {
      seen.loads += 1
      open += 1
      seen.atOnce = Math.max(seen.atOnce, open)
      // The read comes early and the answer late: what changes meanwhile is not in it.
      const read = seen.change
      const isDown = seen.isDown
      await new Promise((resolve) => setTimeout(resolve, loadMs()))
      open -= 1
      if (isDown) throw new Error('the department does not answer')
      seen.shown = read
    },
  })
  const change = () => {
    seen.change += 1
    loads.ask()
  }
  return { seen, change, loads }
}

test('[RW-09] a change that comes while a list is being read is read by the load after it', async () => {
  const { seen, change } = aScreen({ loadMs: () => 400 })
  change()
  // After the pause between two loads and before the end of this one: nothing but its end can ask again.
  await vi.advanceTimersByTimeAsync(AT_MOST_EVERY_MS + 50)
  change()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(seen).toMatchObject({ shown: 2, loads: 2 })
})

test('[RW-09] whenever changes come and however long loads take, the last one is shown and loads never overlap', async () => {
  let random = 7
  const upTo = (most: number) => {
    random = (random * 48_271) % 2_147_483_647
    return random % most
  }
  for (let run = 0; run < 300; run += 1) {
    const { seen, change, loads } = aScreen({ loadMs: () => upTo(700) })
    for (let n = 0; n < 12; n += 1) {
      change()
      seen.isActing = upTo(4) === 0
      seen.isDown = upTo(5) === 0
      await vi.advanceTimersByTimeAsync(upTo(600))
    }
    seen.isActing = false
    seen.isDown = false
    await vi.advanceTimersByTimeAsync(5_000)
    expect(seen).toMatchObject({ shown: 12, atOnce: 1 })
    loads.stop()
  }
})

test('a hundred changes in one second cost a screen four loads and one more', async () => {
  const { seen, change } = aScreen({ loadMs: () => 10 })
  for (let n = 0; n < 100; n += 1) {
    change()
    await vi.advanceTimersByTimeAsync(10)
  }
  await vi.advanceTimersByTimeAsync(1_000)
  expect(seen).toMatchObject({ shown: 100, loads: 5 })
})

test('a screen waits with its load while somebody’s act is on its way', async () => {
  const { seen, change } = aScreen()
  seen.isActing = true
  change()
  await vi.advanceTimersByTimeAsync(3_000)
  expect(seen.loads).toBe(0)
  seen.isActing = false
  await vi.advanceTimersByTimeAsync(200)
  expect(seen.shown).toBe(1)
})

test('a load that never ends does not keep a screen from the next one', async () => {
  let isHanging = true
  const { seen, change } = aScreen({ loadMs: () => (isHanging ? 10_000_000 : 10) })
  change()
  await vi.advanceTimersByTimeAsync(1_000)
  isHanging = false
  await vi.advanceTimersByTimeAsync(30_000)
  expect(seen.shown).toBe(1)
})
