/** Two identities side by side, field by field; what differs is underlined as well as coloured. */
import { t } from '../../strings/words.ts'
import { calendarDate, NONE } from '../../ui/format.ts'
import { nameParts } from '../../ui/person-name.ts'

export type ComparedField = [field: string, one: string, two: string]

interface Person {
  name: Parameters<typeof nameParts>[0]
  birthDate: string | null
  sex: string | null
  identifiers: readonly string[]
}

/** Who they are. @param scanned what stands for the other's number where nobody has it */
export function personFields(one: Person, other: Person | null, scanned: string = NONE): ComparedField[] {
  const [a, b] = [nameParts(one.name), other ? nameParts(other.name) : null]
  return [
    [t('scan.family'), a.family, b?.family ?? NONE],
    [t('scan.given'), a.given, b?.given ?? NONE],
    [t('identity.born'), calendarDate(one.birthDate), other ? calendarDate(other.birthDate) : NONE],
    [t('scan.sex'), one.sex ?? NONE, other?.sex ?? NONE],
    [t('identity.mrn'), one.identifiers[0] ?? NONE, other?.identifiers[0] ?? scanned],
  ]
}

interface DifferencesProps {
  fields: readonly ComparedField[]
  /** Whose each column is. */
  of: readonly [one: string, two: string]
  /** Said behind what is the same on both sides. */
  same?: string
}

export function Differences({ fields, of, same }: DifferencesProps) {
  return (
    <table className="differences">
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">{t('scan.field')}</span>
          </th>
          {of.map((whose) => (
            <th key={whose} scope="col">
              {whose}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {fields.map(([field, one, two]) => (
          <tr key={field}>
            <th scope="row">{field}</th>
            <td>{one === two ? one : <mark>{one}</mark>}</td>
            <td>
              {one === two ? two : <mark>{two}</mark>}
              {one === two && same ? (
                <>
                  {' '}
                  <span className="small text-2">{same}</span>
                </>
              ) : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
