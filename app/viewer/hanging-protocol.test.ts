import { expect, test } from 'vitest'
import type { HangingLayout } from '#domain/hanging-layout.ts'
import { hangingProtocol } from './hanging-protocol.ts'

const LAYOUT: HangingLayout = {
  rows: 1,
  columns: 2,
  viewports: [
    { study: 'current', series: 'AX T2', nth: 0, plane: 'stack' },
    { study: 'prior', series: '', nth: 1, plane: 'sagittal' },
  ],
}

interface Protocol {
  numberOfPriorsReferenced: number
  displaySetSelectors: Record<
    string,
    { studyMatchingRules: { constraint: unknown }[]; seriesMatchingRules: unknown[] }
  >
  stages: {
    viewportStructure: { properties: unknown }
    viewports: { viewportOptions: object; displaySets: object[] }[]
  }[]
}

test('[VW-02] a kept layout hangs the current study first and the prior beside it, each series in its cell', () => {
  const protocol = hangingProtocol(LAYOUT) as Protocol
  expect(protocol.numberOfPriorsReferenced).toBe(1)
  expect(
    Object.values(protocol.displaySetSelectors).map((one) => one.studyMatchingRules[0]!.constraint),
  ).toEqual([{ equals: { value: 0 } }, { equals: { value: 1 } }])
  expect(JSON.stringify(protocol.displaySetSelectors.cell0!.seriesMatchingRules)).toContain('"AX T2"')
  expect(JSON.stringify(protocol.displaySetSelectors.cell1!.seriesMatchingRules)).not.toContain(
    'SeriesDescription',
  )
  const [stage] = protocol.stages
  expect(stage!.viewportStructure.properties).toEqual({ rows: 1, columns: 2 })
  expect(stage!.viewports.map(({ viewportOptions }) => viewportOptions)).toEqual([
    { viewportType: 'stack', toolGroupId: 'default', allowUnmatchedView: true },
    { viewportType: 'volume', orientation: 'sagittal', toolGroupId: 'mpr', allowUnmatchedView: true },
  ])
  expect(stage!.viewports.map(({ displaySets }) => displaySets)).toEqual([
    [{ id: 'cell0', matchedDisplaySetsIndex: 0 }],
    [{ id: 'cell1', matchedDisplaySetsIndex: 1 }],
  ])
})

test('[VW-02] a layout without a prior asks for none', () => {
  const alone = { ...LAYOUT, columns: 1, viewports: LAYOUT.viewports.slice(0, 1) }
  expect((hangingProtocol(alone) as Protocol).numberOfPriorsReferenced).toBe(0)
})
