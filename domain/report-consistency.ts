/** What a report says against what is known of its exam: a side, a sex, contrast. Each is something to look at, never a stop. */

export type Side = 'L' | 'R'

export interface ExamFacts {
  sex: 'M' | 'F' | 'O' | 'U' | null
  /** Asked for or imaged; none where the body has one, or nobody said. */
  sides: readonly Side[]
  contrast: 'given' | 'not-given' | 'unknown'
}

/** The words that contradict, and where they stand in their section. */
export interface Contradiction {
  section: string
  word: string
  index: number
  /** What they contradict. */
  against: 'exam' | 'findings'
}

export const CONSISTENCY_CHECKS = ['laterality', 'sex', 'contrast'] as const
export type ConsistencyCheck = (typeof CONSISTENCY_CHECKS)[number]

interface Section {
  key: string
  text: string
}

/** The first contradiction of each kind; null where there is none, or not enough is known to say. */
export function contradictions(
  sections: readonly Section[],
  exam: ExamFacts,
): Record<ConsistencyCheck, Contradiction | null> {
  return {
    laterality: wrongSide(sections, exam.sides),
    sex: wrongSex(sections, exam.sex),
    contrast: wrongContrast(sections, exam.contrast),
  }
}

/** The sides that a text is about, each once. */
export function sidesNamed(text: string): Side[] {
  return [...new Set(sidesIn(text).flatMap(({ sides }) => sides))]
}

interface Found {
  word: string
  index: number
}

// What has a left and a right half in everybody, or is called so without being a side of the body.
const PARTS = [
  'ventric(?:le|les|ular)|atri(?:um|a|al)|hearts?|cardiac|auric(?:le|ular)|bundle|coronary|circumflex',
  '(?:main|marginal) (?:coronary|stem|artery)|anterior descending|aortic arch|gastr(?:ic|oepiploic)',
  String.raw`lobes?|hepatic|livers?|portal|colon|colic|hemicol\w+|flexure|(?:(?:upper|lower) )?quadrants?`,
  String.raw`(?:(?:lateral|anterior|posterior) )?(?:decubitus|oblique)|hand(?:ed| dominan\w+)`,
].join('|')
const NO_SIDE = [
  String.raw`\b(?:left|right)(?:[ -]sided)?[ -](?:${PARTS})\b`,
  String.raw`\bleft (?:in (?:place|situ)|alone|untreated|unchanged|untouched|open|behind|over|before|against|without)\b`,
  String.raw`\bleft (?:the|our|this) (?:department|hospital|room|ward|scanner|table|examination|unit)\b`,
  String.raw`\b(?:patient|he|she|they|who) left\b`,
  String.raw`\bright (?:away|now|after|before|angled?s?)\b|\ball right\b`,
].join('|')
const SIDE = /\b(?:left|right|bilateral(?:ly)?|both)\b/gi
const SIDES: Record<string, readonly Side[]> = { left: ['L'], right: ['R'] }

function sidesIn(text: string): (Found & { sides: readonly Side[] })[] {
  return matches(blanked(text, new RegExp(NO_SIDE, 'gi')), SIDE).map((found) => ({
    ...found,
    sides: SIDES[found.word.toLowerCase()] ?? ['L', 'R'],
  }))
}

function wrongSide(sections: readonly Section[], examined: readonly Side[]): Contradiction | null {
  const only = (text: string): Side | null => {
    const sides = sidesNamed(text)
    return sides.length === 1 ? sides[0]! : null
  }
  const done = new Set(examined).size === 1 ? examined[0]! : null
  const findings = only(textOf(sections, 'findings'))
  for (const section of written(sections, ['findings', 'impression'])) {
    const said = only(section.text)
    if (said === null) continue
    const at = sidesIn(section.text)[0]!
    const contradicts = (against: 'exam' | 'findings') => ({
      ...{ section: section.key, word: at.word, index: at.index, against },
    })
    if (done !== null && said !== done) return contradicts('exam')
    if (findings !== null && said !== findings) return contradicts('findings')
  }
  return null
}

// Not "cervical" and not "cervix": a neck has them. Nor the adnexa of an eye or of the skin.
const OF_MEN =
  /\b(?:(?:peri)?prostat(?:e|es|ic|ism|itis|ectomy)(?!-specific)|seminal vesicles?|test(?:is|es|icles?|icular)|scrot(?:um|al)|epididym(?:is|al)|pen(?:is|ile))\b/gi
const OF_WOMEN =
  /\b(?:uter(?:us|i|ine)|hysterectomy|ovar(?:y|ies|ian)|endometri\w+|myometri\w+|adnexa[el]?|(?:trans|endo|intra|para)?vagina(?:l|lly)?|vulvar?|fallopian)\b/gi
const OF_EYE_OR_SKIN = /\b(?:ocular|orbital|lacrimal|skin|cutaneous)(?: and \w+)? adnexa[el]?\b/gi

function wrongSex(sections: readonly Section[], sex: ExamFacts['sex']): Contradiction | null {
  if (sex !== 'M' && sex !== 'F') return null
  const others = sex === 'M' ? OF_WOMEN : OF_MEN
  return first(sections, ['findings', 'impression'], (text) => matches(blanked(text, OF_EYE_OR_SKIN), others))
}

// "With oral contrast" says nothing: what an image records is what went into a vein.
const AGENT = String.raw`(?:(?:oral|rectal) and )?(?:(?:iv|i-v-|intravenous|iodinated|gadolinium(?:[ -]based)?) )*(?:and oral )?(?:contrast|gadolinium)\b`
// A lesion without contrast enhancement had contrast; grey and white matter have contrast of their own.
const NOT_MEANT = String.raw`(?![ -](?:induced|between|resolution|to noise|allerg\w+|reactions?|nephropathy|extravasation))`
const GIVING = String.raw`(?:the )?(?:(?:administration|injection|application) of )?(?:the )?(?:\d+ ?ml (?:of )?)?`
const BEFORE_AFTER = String.raw`\b(?:pre|before|without)[ -]*(?:,|and|or|/) ?(?:with|after|following|post)[ -]${GIVING}${AGENT}`
const CONTRAST_SAID = new RegExp(
  [
    String.raw`(?<both>${BEFORE_AFTER}|\bwith (?:and|or) without ${AGENT})`,
    String.raw`(?<unsaid>\b(?:without|no)(?: abnormal| any)? ${AGENT}[ -](?:enhanc\w+|uptake))`,
    String.raw`(?<none>\bwithout (?:any |use of )?${GIVING}${AGENT}|\bno ${AGENT}(?: (?:medium|media|agent|material))?(?: (?:was|were))? (?:given|administered|used|injected))`,
    String.raw`(?<none2>\bnon[ -]?contrast\b(?:[ -]enhanced)?|\b(?:unenhanced|non-?enhanced)\b|\bcontrast(?: (?:medium|media|agent|material))? (?:was|were) not (?:given|administered|used|injected))`,
    String.raw`(?<given>\b(?:with|after|following) ${GIVING}${AGENT}${NOT_MEANT}|\bpost[ -]?(?:contrast|gadolinium)\b|\b(?:contrast|gadolinium)[ -]enhanced\b)`,
    String.raw`(?<given2>\bcontrast(?: (?:medium|media|agent|material))? (?:was|were) (?:given|administered|used|injected))`,
  ].join('|'),
  'gi',
)
// About another exam, one to come or one before; or about why something was not done.
const ELSEWHERE =
  /\b(?:recommend\w*|suggest\w*|consider\w*|advis\w+|propos\w+|should|could|if|follow-?up|further|compar\w+|prior|previous(?:ly)?|earlier|contraindicat\w+|allerg\w+)\b/i

function wrongContrast(sections: readonly Section[], contrast: ExamFacts['contrast']): Contradiction | null {
  if (contrast === 'unknown') return null
  const where = ['technique', 'findings', 'impression']
  const given = (text: string) => contrastSaid(text).filter(({ isGiven }) => isGiven)
  if (contrast === 'not-given') return first(sections, where, given)
  // Phases before the contrast are spoken of where it is.
  if (written(sections, where).some(({ text }) => given(text).length > 0)) return null
  return first(sections, where, contrastSaid)
}

function contrastSaid(text: string): (Found & { isGiven: boolean })[] {
  // Its stops end no sentence.
  const plain = text.replace(/\bi\.v\./gi, 'i-v-')
  return sentencesOf(plain).flatMap(({ words, start }) =>
    ELSEWHERE.test(words)
      ? []
      : [...words.matchAll(CONTRAST_SAID)]
          .filter(({ groups }) => groups?.unsaid === undefined)
          .map(({ index, groups, 0: said }) => ({
            word: text.slice(start + index, start + index + said.length),
            index: start + index,
            isGiven: groups?.none === undefined && groups?.none2 === undefined,
          })),
  )
}

function sentencesOf(text: string): { words: string; start: number }[] {
  return [...text.matchAll(/(?:[^.!?;\n]|[.!?;](?=\S))+/g)].map(({ 0: words, index }) => ({
    words,
    start: index,
  }))
}

function first(
  sections: readonly Section[],
  where: readonly string[],
  find: (text: string) => readonly Found[],
): Contradiction | null {
  for (const { key, text } of written(sections, where)) {
    const found = find(text)[0]
    if (found) return { section: key, word: found.word, index: found.index, against: 'exam' }
  }
  return null
}

const written = (sections: readonly Section[], where: readonly string[]): Section[] =>
  where.flatMap((key) => sections.filter((section) => section.key === key))

const textOf = (sections: readonly Section[], key: string): string =>
  sections.find((section) => section.key === key)?.text ?? ''

const matches = (text: string, pattern: RegExp): Found[] =>
  [...text.matchAll(pattern)].map(({ 0: word, index }) => ({ word, index }))

/** The text with what is passed over taken out; every other word stays at its place. */
const blanked = (text: string, pattern: RegExp): string =>
  text.replace(pattern, (passed) => ' '.repeat(passed.length))
