/** A time of the day to type, on 24 hours whatever the browser's language writes. */
import { useEffect, useRef } from 'react'
import { t } from '../strings/words.ts'

interface TimeFieldProps {
  id?: string
  /** What it is called where no label stands beside it. */
  label?: string
  value: string
  onChange: (time: string) => void
}

export function TimeField({ id, label, value, onChange }: TimeFieldProps) {
  const field = useRef<HTMLInputElement>(null)
  const isWrong = !isTime(value)
  useEffect(() => field.current?.setCustomValidity(isWrong ? t('time.how') : ''), [isWrong])
  return (
    <input
      ref={field}
      id={id}
      className="input"
      inputMode="numeric"
      autoComplete="off"
      placeholder="09:30"
      aria-label={label}
      title={t('time.how')}
      aria-invalid={value !== '' && isWrong}
      value={value}
      onChange={({ target }) => onChange(withColon(target.value))}
    />
  )
}

/** `09:30`, as clocks show it here. */
export function isTime(text: string): boolean {
  return /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(text)
}

/** Four figures in a row are a time. */
function withColon(text: string): string {
  return text.replace(/^(\d{2})[.\s]?(\d{2})$/, '$1:$2')
}
