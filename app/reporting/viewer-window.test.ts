import { expect, test } from 'vitest'
import { readPlace } from './viewer-window.ts'

test('[VW-06] the viewer’s window opens where the workstation had it, on whichever side the other monitor stands', () => {
  const kept = { isOpen: true, left: -1920, top: 12, width: 1900.4, height: 1040 }
  expect(readPlace(JSON.stringify(kept))).toEqual({ ...kept, width: 1900 })
})

test('[VW-06] a workstation that had none, or keeps nonsense, has its viewer beside the report', () => {
  for (const kept of [null, 'nonsense', '[]', '{"isOpen":"yes","left":"far"}'])
    expect(readPlace(kept)).toMatchObject({ isOpen: false, left: 80, width: 1200 })
  expect(readPlace('{"isOpen":true,"width":3,"height":-9}')).toMatchObject({ width: 400, height: 300 })
})
