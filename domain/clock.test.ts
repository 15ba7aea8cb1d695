/** The department's clock against the machine's. */
import { expect, test } from 'vitest'
import { departmentNow, machineDelayUntil, REAL_TIME, turnClock } from './clock.ts'

const machine = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000)

test('in real time the department’s clock is the machine’s', () => {
  expect(departmentNow(REAL_TIME, machine(5))).toEqual(machine(5))
  expect(machineDelayUntil(REAL_TIME, machine(65), machine(5))).toBe(60_000)
})

test('at sixty times the speed an hour of the department is a minute of the machine', () => {
  const clock = turnClock(REAL_TIME, { machineNow: machine(0), rate: 60 })
  expect(departmentNow(clock, machine(60))).toEqual(machine(3600))
  expect(machineDelayUntil(clock, machine(3600), machine(0))).toBe(60_000)
})

test('turning the rate moves no hand', () => {
  const fast = turnClock(REAL_TIME, { machineNow: machine(0), rate: 60 })
  const slow = turnClock(fast, { machineNow: machine(60), rate: 1 })
  expect(departmentNow(slow, machine(60))).toEqual(departmentNow(fast, machine(60)))
  expect(departmentNow(slow, machine(61))).toEqual(machine(3601))
})

test('a timer never fires before its instant, and at once when that is past', () => {
  const clock = turnClock(REAL_TIME, { machineNow: machine(0), rate: 7 })
  const instant = new Date(machine(0).getTime() + 1)
  const delayMs = machineDelayUntil(clock, instant, machine(0))
  expect(departmentNow(clock, new Date(machine(0).getTime() + delayMs)) >= instant).toBe(true)
  expect(machineDelayUntil(clock, machine(-1), machine(0))).toBe(0)
})

test('a clock that stands still never gets there', () => {
  const stopped = turnClock(REAL_TIME, { machineNow: machine(0), rate: 0 })
  expect(machineDelayUntil(stopped, machine(1), machine(0))).toBe(Number.POSITIVE_INFINITY)
})
