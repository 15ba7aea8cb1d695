/** Invented patients: names of many scripts, every identifier beginning with SYN-, nobody who exists. */
import type { NameGroup, NameSaid } from '#domain/order-message.ts'
import { randomFrom } from './random.ts'

export interface SyntheticPatient {
  id: string
  issuer: string
  name: NameSaid
  /** YYYY-MM-DD */
  birthDate: string
  sex: 'F' | 'M' | 'O'
}

const LATEST_BIRTH_YEAR = 2024

/** The authority that these patients' identifiers belong to. */
export const SYNTHETIC_ISSUER = 'SYNTHETIC'

/** The same number is always the same person, so that whoever comes again has priors. */
export function syntheticPatient(number: number): SyntheticPatient {
  const random = randomFrom(0x5e17 + number * 7919)
  const sex = random.weighted<'F' | 'M' | 'O'>([
    ['F', 50],
    ['M', 49],
    ['O', 1],
  ])
  const born = new Date(Date.UTC(LATEST_BIRTH_YEAR - random.below(94), 0, 1 + random.below(364)))
  return {
    id: `SYN-${String(number).padStart(6, '0')}`,
    issuer: SYNTHETIC_ISSUER,
    name: random.pick(NAMES)(sex === 'M' ? 'M' : 'F', number),
    birthDate: born.toISOString().slice(0, 10),
    sex,
  }
}

type Namer = (sex: 'F' | 'M', number: number) => NameSaid

interface Names {
  families: readonly string[]
  F: readonly string[]
  M: readonly string[]
}

const latin = ({ families, F, M }: Names): Namer =>
  function nameInLatin(sex, number) {
    return { alphabetic: personOf({ families, F, M }, sex, number) }
  }

/** Latin letters first, the person's own script in the second component group, as PS3.5 6.2.1 has it for two scripts. */
const twoScripts = (romanised: Names, native: Names, phonetic?: Names): Namer =>
  function nameInTwoScripts(sex, number) {
    return {
      alphabetic: personOf(romanised, sex, number),
      ideographic: personOf(native, sex, number),
      ...(phonetic ? { phonetic: personOf(phonetic, sex, number) } : {}),
    }
  }

function personOf(names: Names, sex: 'F' | 'M', number: number): NameGroup {
  const given = names[sex]
  return {
    family: names.families[number % names.families.length],
    given: given[Math.floor(number / 3) % given.length],
  }
}

const NAMES: readonly [Namer, ...Namer[]] = [
  latin({
    families: ['Größl', 'Müßig', 'Krähenbühl', 'Voß', 'Öztürk', 'Jäger'],
    F: ['Käthe', 'Zoë', 'Anneliese', 'Gülşen'],
    M: ['Jürgen', 'Björn', 'Matthäus', 'Çağrı'],
  }),
  latin({
    families: ['Nuñez', "O'Dálaigh", 'Gonçalves', 'Dvořák', 'Łukasiewicz', 'Ångström'],
    F: ['María José', 'Siobhán', 'Inês', 'Žofie'],
    M: ['Íñigo', 'Pádraig', 'João', 'Ondřej'],
  }),
  latin({
    families: ['Van den Berghe', 'Nguyễn', 'Þórsdóttir', 'Kovačević', 'Szabó', 'Ionescu-Țepeș'],
    F: ['Ngọc Ánh', 'Guðrún', 'Đurđica', 'Ildikó'],
    M: ['Ðorđe', 'Bảo', 'Sigurður', 'Győző'],
  }),
  twoScripts(
    {
      families: ['Yamada', 'Sato', 'Takahashi'],
      F: ['Hanako', 'Yui', 'Sakura'],
      M: ['Taro', 'Haruto', 'Kenji'],
    },
    { families: ['山田', '佐藤', '高橋'], F: ['花子', '結衣', '桜'], M: ['太郎', '陽翔', '健二'] },
    {
      families: ['やまだ', 'さとう', 'たかはし'],
      F: ['はなこ', 'ゆい', 'さくら'],
      M: ['たろう', 'はると', 'けんじ'],
    },
  ),
  twoScripts(
    {
      families: ['Wang', 'Li', 'Ouyang'],
      F: ['Xiaodong', 'Meiling', 'Fang'],
      M: ['Wei', 'Jianguo', 'Qiang'],
    },
    { families: ['王', '李', '歐陽'], F: ['小東', '美玲', '芳'], M: ['偉', '建國', '強'] },
  ),
  twoScripts(
    {
      families: ['Hong', 'Kim', 'Choe'],
      F: ['Gildong', 'Seoyeon', 'Minji'],
      M: ['Minjun', 'Jiho', 'Yeongsu'],
    },
    { families: ['홍', '김', '최'], F: ['길동', '서연', '민지'], M: ['민준', '지호', '영수'] },
  ),
  twoScripts(
    {
      families: ['Qabbani', 'al-Hashimi', 'Mansour'],
      F: ['Layla', 'Fatima', 'Maryam'],
      M: ['Nizar', 'Yusuf', 'Khalid'],
    },
    { families: ['قباني', 'الهاشمي', 'منصور'], F: ['ليلى', 'فاطمة', 'مريم'], M: ['نزار', 'يوسف', 'خالد'] },
  ),
  twoScripts(
    { families: ['Sharon', 'Levi', 'Mizrahi'], F: ['Deborah', 'Yael', 'Noa'], M: ['David', 'Amos', 'Eitan'] },
    { families: ['שרון', 'לוי', 'מזרחי'], F: ['דבורה', 'יעל', 'נועה'], M: ['דוד', 'עמוס', 'איתן'] },
  ),
  twoScripts(
    {
      families: ['Shevchuk', 'Morozova', 'Dimitrov'],
      F: ['Oksana', 'Lyudmila', 'Tsvetana'],
      M: ['Taras', 'Vsevolod', 'Georgi'],
    },
    {
      families: ['Шевчук', 'Морозова', 'Димитров'],
      F: ['Оксана', 'Людмила', 'Цветана'],
      M: ['Тарас', 'Всеволод', 'Георги'],
    },
  ),
  twoScripts(
    { families: ['Papadopoulos', 'Georgiou'], F: ['Eleni', 'Despina'], M: ['Dionysios', 'Stavros'] },
    { families: ['Παπαδόπουλος', 'Γεωργίου'], F: ['Ελένη', 'Δέσποινα'], M: ['Διονύσιος', 'Σταύρος'] },
  ),
]
