/** One procedure in full; an administrator changes it with the password, as a version of the configuration. */
import type { CatalogueProcedure } from '#db/queries/catalogue.ts'
import { AREAS, MODALITIES } from '#domain/words.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { NONE } from '../../ui/format.ts'

interface EntryFormProps {
  entry: CatalogueProcedure
  mayChange: boolean
  busy: boolean
  onSave: (fields: Record<string, string>) => void
}

export function EntryForm({ entry, mayChange, busy, onSave }: EntryFormProps) {
  const { scheme, code } = entry
  return (
    <form
      className="panel catalogue-entry"
      onSubmit={(event) => {
        event.preventDefault()
        const fields = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>
        if (!busy) onSave({ ...fields, scheme, code })
      }}
    >
      <header>
        <h2 className="strong">{entry.name}</h2>
        <span className="mono text-2">
          {scheme} {code}
        </span>
      </header>
      <p className="small text-2">{t('catalogue.template', { title: entry.template ?? NONE })}</p>
      <fieldset className="catalogue-fields" disabled={!mayChange} aria-label={t('catalogue.entry')}>
        <Field name="name" value={entry.name} wide required />
        <Field name="shortName" value={entry.shortName} maxLength={30} required />
        <label className="field">
          <span>{t('catalogue.modality')}</span>
          <select className="input" name="modality" defaultValue={entry.modality}>
            {MODALITIES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t('catalogue.area')}</span>
          <select className="input" name="area" defaultValue={entry.area}>
            {AREAS.map((each) => (
              <option key={each} value={each}>
                {wordFor('area', each)}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t('catalogue.protocolling')}</span>
          <select className="input" name="protocolling" defaultValue={entry.protocolling}>
            {(['rule', 'reader'] as const).map((each) => (
              <option key={each} value={each}>
                {t(`catalogue.protocolling-${each}`)}
              </option>
            ))}
          </select>
        </label>
        <Field name="slotMinutes" value={entry.slotMinutes} type="number" min={1} required />
        <Field name="prepMinutes" value={entry.prepMinutes} type="number" min={0} />
        <Field name="gates" value={entry.gates.join(', ')} wide />
        <Field name="preparation" value={entry.preparation} wide />
        <Field name="bodyPart" value={entry.bodyPart} maxLength={16} />
        <Field name="loinc" value={entry.loinc} maxLength={16} />
        <Field name="rpid" value={entry.rpid} maxLength={16} />
        <Field name="rvu" value={entry.rvu} type="number" min={0} step="0.01" />
        <Field name="slaMinutes" value={entry.slaMinutes} type="number" min={1} />
        <Field name="retentionYears" value={entry.retentionYears} type="number" min={1} />
      </fieldset>
      {mayChange ? (
        <>
          <label className="field">
            <span>{t('sign-in.password')}</span>
            <input
              className="input"
              type="password"
              name="password"
              autoComplete="current-password"
              required
            />
          </label>
          <Button type="submit" look="primary" wide busy={busy}>
            {t('catalogue.save')}
          </Button>
        </>
      ) : (
        <p className="small text-3">{t('catalogue.only-admin')}</p>
      )}
    </form>
  )
}

interface FieldProps {
  name:
    | 'name'
    | 'shortName'
    | 'slotMinutes'
    | 'prepMinutes'
    | 'gates'
    | 'preparation'
    | 'bodyPart'
    | 'loinc'
    | 'rpid'
    | 'rvu'
    | 'slaMinutes'
    | 'retentionYears'
  value: string | number | null
  wide?: boolean
  type?: 'text' | 'number'
  required?: boolean
  min?: number
  step?: string
  maxLength?: number
}

function Field({ name, value, wide = false, required = false, ...input }: FieldProps) {
  return (
    <label className={wide ? 'field catalogue-wide' : 'field'}>
      <span>{t(`catalogue.${name}`)}</span>
      <input
        className="input"
        name={name}
        defaultValue={value ?? ''}
        required={required}
        autoComplete="off"
        {...input}
      />
    </label>
  )
}
