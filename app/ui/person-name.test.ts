import { expect, test } from 'vitest'
import { nameParts, writtenName } from './person-name.ts'

test('a Turkish family name keeps its dotted capital', () => {
  expect(nameParts({ alphabetic: { family: 'Yıldız', given: 'Ayşe' } }).family).toBe('YILDIZ')
  expect(nameParts({ alphabetic: { family: 'Işık', given: 'Deniz' } }).family).toBe('IŞIK')
})

test('the native script follows, with a space only where its writers set one', () => {
  const chinese = nameParts({
    alphabetic: { family: 'Wang', given: 'Xiuying' },
    ideographic: { family: '王', given: '秀英' },
  })
  expect(chinese.native).toBe('王秀英')
  const japanese = nameParts({
    alphabetic: { family: 'Yamada', given: 'Tarō' },
    ideographic: { family: '山田', given: '太郎' },
  })
  expect(japanese.native).toBe('山田 太郎')
  expect(writtenName({ alphabetic: { family: 'Yamada', given: 'Tarō' } })).toBe('YAMADA, Tarō')
})

test('a name that came in its own script alone is not unknown', () => {
  expect(writtenName({ ideographic: { family: 'العلي', given: 'فاطمة' } })).toBe('العلي فاطمة')
  expect(nameParts({ ideographic: { family: 'العلي', given: 'فاطمة' } }).nativeLanguage).toBe('ar')
})

test('particles stay with the family name', () => {
  expect(nameParts({ alphabetic: { family: 'van der Berg', given: 'Joost' } }).family).toBe('VAN DER BERG')
})
