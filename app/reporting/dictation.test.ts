import { afterEach, expect, test, vi } from 'vitest'
import { type DictationEngine, dictationEngine, type Heard } from './dictation.ts'

afterEach(() => vi.unstubAllGlobals())

/** A browser's recognition, as browsers have it; on the device only where it says that it can. */
function recognition({ onDevice }: { onDevice: string | null }) {
  class Recognition extends EventTarget {
    static last: Recognition | null = null
    lang = ''
    continuous = false
    interimResults = false
    start() {
      Recognition.last = this
    }
    stop() {
      this.dispatchEvent(new Event('end'))
    }
  }
  if (onDevice !== null) {
    Object.assign(Recognition.prototype, { processLocally: false })
    Object.assign(Recognition, { available: async () => onDevice })
  }
  return Recognition
}

const workstation = (isLocal: boolean): DictationEngine => ({
  name: 'workstation',
  isLocal,
  isReady: async () => true,
  start: () => undefined,
  stop: () => undefined,
})

const engine = async (window: object, cloudAccepted = false) => {
  vi.stubGlobal('window', window)
  const found = await dictationEngine('en-GB', { cloudAccepted })
  return found && { name: found.name, isLocal: found.isLocal }
}

test('[RP-02] the workstation’s own dictation comes first, and only if what is said stays on site or leaving is accepted', async () => {
  const isocenterDictation = workstation(true)
  expect(await engine({ isocenterDictation })).toEqual({ name: 'workstation', isLocal: true })
  expect(await engine({ isocenterDictation: workstation(false) })).toBeNull()
  expect(await engine({ isocenterDictation: workstation(false) }, true)).toMatchObject({
    name: 'workstation',
  })
})

test('[RP-02] a browser listens on the device where it can, and in its maker’s cloud only where an administrator accepts that', async () => {
  const local = { SpeechRecognition: recognition({ onDevice: 'available' }) }
  expect(await engine(local)).toEqual({ name: 'browser', isLocal: true })
  const cloud = { name: 'browser', isLocal: false }
  for (const onDevice of ['downloadable', 'unavailable', null]) {
    const window = { SpeechRecognition: recognition({ onDevice }) }
    expect(await engine(window)).toBeNull()
    expect(await engine(window, true)).toEqual(cloud)
  }
  expect(await engine({}, true)).toBeNull()
})

test('[RP-02] words that stand are told once, guesses as they change, and an end that nobody asked for is a fault', async () => {
  const Recognition = recognition({ onDevice: 'available' })
  vi.stubGlobal('window', { SpeechRecognition: Recognition })
  const found = (await dictationEngine('en-GB', { cloudAccepted: false }))!
  const told: string[] = []
  const heard: Heard = {
    words: (text) => void told.push(`words ${text}`),
    guess: (text) => void told.push(`guess ${text}`),
    ended: (fault) => void told.push(`ended ${fault}`),
  }
  found.start('en-GB', heard)
  const said = (isFinal: boolean, transcript: string) => Object.assign([{ transcript }], { isFinal })
  const result = (...results: object[]) =>
    Recognition.last!.dispatchEvent(Object.assign(new Event('result'), { results, resultIndex: 0 }))
  expect(Recognition.last).toMatchObject({ lang: 'en-GB', continuous: true, processLocally: true })
  result(said(false, 'no bleed'))
  result(said(true, 'No bleed. '))
  expect(told).toEqual(['guess no bleed', 'words No bleed.', 'guess '])
  Recognition.last!.dispatchEvent(new Event('end'))
  found.start('en-GB', heard)
  found.stop()
  expect(told.slice(3)).toEqual(['ended true', 'ended false'])
})
