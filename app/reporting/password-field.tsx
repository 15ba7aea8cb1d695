/** The password asked for again at a signature; a password manager may fill it (WCAG 2.2, 3.3.8). */
import type { RefObject } from 'react'
import { t } from '../strings/words.ts'

interface PasswordFieldProps {
  field: RefObject<HTMLInputElement | null>
  value: string
  onChange: (value: string) => void
}

export function PasswordField({ field, value, onChange }: PasswordFieldProps) {
  return (
    <label className="field">
      <span className="label">{t('room.password')}</span>
      <input
        ref={field}
        className="input"
        type="password"
        autoComplete="current-password"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  )
}
