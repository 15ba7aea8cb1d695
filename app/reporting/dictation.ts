/**
 * Dictation behind one interface. Three kinds of engine stand behind it, tried in this order:
 *
 * 1. what the workstation's own dictation software puts into the page as `window.isocenterDictation` (a `DictationEngine`),
 * 2. the browser's recognition on this device,
 * 3. the browser's recognition in its maker's cloud, only where the department's policy accepts it.
 *
 * Voices are patient data: the third is off unless an administrator has said otherwise.
 */

export interface DictationEngine {
  /** As it is shown while it listens. */
  readonly name: string
  /** Does every sound stay on this device or inside the hospital? */
  readonly isLocal: boolean
  /** Whether it can listen here and now, in this language (BCP 47). */
  isReady(language: string): Promise<boolean>
  /** Begins to listen; what is heard goes to `heard` until `stop` or the engine ends by itself. */
  start(language: string, heard: Heard): void
  stop(): void
}

export interface Heard {
  /** Words that won't change any more. */
  words(text: string): void
  /** What it takes the sound for so far; empty when there is nothing. */
  guess(text: string): void
  /** It listens no more; `fault` when it should have gone on. */
  ended(fault: boolean): void
}

declare global {
  interface Window {
    isocenterDictation?: DictationEngine
    SpeechRecognition?: BrowserRecognition
    webkitSpeechRecognition?: BrowserRecognition
  }
}

/** The first engine that can listen; null where none may. */
export async function dictationEngine(
  language: string,
  { cloudAccepted }: { cloudAccepted: boolean },
): Promise<DictationEngine | null> {
  const own = window.isocenterDictation
  if (own && (own.isLocal || cloudAccepted) && (await own.isReady(language))) return own
  const onDevice = browserEngine({ isLocal: true })
  if (await onDevice.isReady(language)) return onDevice
  const cloud = browserEngine({ isLocal: false })
  return cloudAccepted && (await cloud.isReady(language)) ? cloud : null
}

/** As far as it is used here (Web Speech API, with recognition on the device). */
interface Recognition extends EventTarget {
  lang: string
  continuous: boolean
  interimResults: boolean
  processLocally?: boolean
  start(): void
  stop(): void
}
interface BrowserRecognition {
  new (): Recognition
  available?(asked: { langs: string[]; processLocally: boolean }): Promise<string>
}
interface RecognitionEvent extends Event {
  resultIndex: number
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>
}

function browserEngine({ isLocal }: { isLocal: boolean }): DictationEngine {
  const Maker = window.SpeechRecognition ?? window.webkitSpeechRecognition
  let listening: Recognition | null = null
  return {
    name: 'browser',
    isLocal,
    async isReady(language) {
      if (!Maker) return false
      if (!isLocal) return true
      // A browser that cannot say so would send the sound away.
      if (!Maker.available || !('processLocally' in Maker.prototype)) return false
      return (await Maker.available({ langs: [language], processLocally: true })) === 'available'
    },
    start(language, heard) {
      const recognition = new Maker!()
      recognition.lang = language
      recognition.continuous = true
      recognition.interimResults = true
      if (isLocal) recognition.processLocally = true
      recognition.addEventListener('result', (event) => tell(event as RecognitionEvent, heard))
      recognition.addEventListener('end', () => {
        const isFault = listening === recognition
        listening = null
        heard.ended(isFault)
      })
      listening = recognition
      recognition.start()
    },
    stop() {
      const recognition = listening
      listening = null
      recognition?.stop()
    },
  }
}

function tell({ results, resultIndex }: RecognitionEvent, heard: Heard): void {
  const news = Array.from(results).slice(resultIndex)
  const said = (isFinal: boolean) =>
    news
      .filter((result) => result.isFinal === isFinal)
      .map((result) => result[0]?.transcript ?? '')
      .join('')
  const words = said(true).trim()
  if (words) heard.words(words)
  heard.guess(said(false).trim())
}
