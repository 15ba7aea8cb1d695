/** One procedure in full, or one that is new; an administrator changes it with the password, as a version of the configuration. */
import type { CatalogueProcedure } from '#db/queries/catalogue.ts'
import { AREAS, MODALITIES, SAFETY_GATES } from '#domain/words.ts'
import { t, wordFor } from '../../strings/words.ts'
import { FormPassword } from '../../ui/act-form.tsx'
import { Button } from '../../ui/button.tsx'
import { NONE } from '../../ui/format.ts'
import { MainSubmit } from '../../ui/main-act.tsx'

interface EntryFormProps {
  /** Null: one that is to be added. */
  entry: CatalogueProcedure | null
  mayChange: boolean
  busy: boolean
  onSave: (fields: Record<string, string>) => void
  onClose?: () => void
}

export function EntryForm({ entry, mayChange, busy, onSave, onClose }: EntryFormProps) {
  return (
    <form
      className="panel catalogue-entry"
      onSubmit={(event) => {
        event.preventDefault()
        const fields = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>
        if (!busy) onSave(entry ? { ...fields, scheme: entry.scheme, code: entry.code } : fields)
      }}
    >
      <header>
        <h2 className="strong">{entry?.name ?? t('catalogue.new')}</h2>
        {entry ? (
          <span className="mono text-2">
            {entry.scheme} {entry.code}
          </span>
        ) : null}
      </header>
      <p className="small text-2">
        {entry ? t('catalogue.template', { title: entry.template ?? NONE }) : t('catalogue.new-why')}
      </p>
      <fieldset className="catalogue-fields" disabled={!mayChange} aria-label={t('catalogue.entry')}>
        {entry ? null : (
          <>
            <Field name="scheme" value="LN" maxLength={16} required />
            <Field name="code" value={null} maxLength={32} required focus />
          </>
        )}
        <Field name="name" value={entry?.name} wide required />
        <Field name="shortName" value={entry?.shortName} maxLength={30} required />
        <label className="field">
          <span>{t('catalogue.modality')}</span>
          <select className="input" name="modality" defaultValue={entry?.modality ?? ''} required>
            {entry ? null : <option value="" />}
            {MODALITIES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t('catalogue.area')}</span>
          <select className="input" name="area" defaultValue={entry?.area ?? ''} required>
            {entry ? null : <option value="" />}
            {AREAS.map((each) => (
              <option key={each} value={each}>
                {wordFor('area', each)}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t('catalogue.protocolling')}</span>
          <select className="input" name="protocolling" defaultValue={entry?.protocolling}>
            {(['rule', 'reader'] as const).map((each) => (
              <option key={each} value={each}>
                {t(`catalogue.protocolling-${each}`)}
              </option>
            ))}
          </select>
        </label>
        <Field name="slotMinutes" value={entry?.slotMinutes} type="number" min={1} required />
        <Field name="prepMinutes" value={entry?.prepMinutes} type="number" min={0} />
        <Field name="gates" value={entry?.gates.join(', ')} placeholder={SAFETY_GATES.join(', ')} wide />
        <Field name="preparation" value={entry?.preparation} wide />
        <Field name="bodyPart" value={entry?.bodyPart} maxLength={16} />
        <Field name="loinc" value={entry?.loinc} maxLength={16} />
        <Field name="rpid" value={entry?.rpid} maxLength={16} />
        <Field name="rvu" value={entry?.rvu} type="number" min={0} step="0.01" />
        <Field name="slaMinutes" value={entry?.slaMinutes} type="number" min={1} />
        <Field name="retentionYears" value={entry?.retentionYears} type="number" min={1} />
      </fieldset>
      {mayChange ? (
        <>
          <FormPassword />
          <MainSubmit word={entry ? t('catalogue.save') : t('catalogue.add')} wide busy={busy} />
          {onClose ? (
            <Button wide onClick={onClose}>
              {t('reason.close')}
            </Button>
          ) : null}
        </>
      ) : (
        <p className="small text-3">{t('catalogue.only-admin')}</p>
      )}
    </form>
  )
}

interface FieldProps {
  name:
    | 'scheme'
    | 'code'
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
  value: string | number | null | undefined
  /** Has the focus when it comes. */
  focus?: boolean
  wide?: boolean
  type?: 'text' | 'number'
  required?: boolean
  /** What it may be. */
  placeholder?: string
  min?: number
  step?: string
  maxLength?: number
}

const focusOn = (input: HTMLInputElement | null) => input?.focus()

function Field({ name, value, wide = false, required = false, focus = false, ...input }: FieldProps) {
  return (
    <label className={wide ? 'field catalogue-wide' : 'field'}>
      <span>{t(`catalogue.${name}`)}</span>
      <input
        className="input"
        name={name}
        defaultValue={value ?? ''}
        required={required}
        autoComplete="off"
        ref={focus ? focusOn : undefined}
        {...input}
      />
    </label>
  )
}
