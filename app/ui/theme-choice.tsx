/** Dark for reading rooms, daylight for desks and wards. */
import { useFetcher, useRouteLoaderData } from 'react-router'
import { t } from '../strings/words.ts'

export function ThemeChoice() {
  const fetcher = useFetcher()
  const chosen = useRouteLoaderData<{ theme: string }>('root')?.theme
  return (
    <fetcher.Form method="post" action="/theme" className="segments" aria-label={t('theme.label')}>
      {(['dark', 'daylight'] as const).map((theme) => (
        <button key={theme} type="submit" name="theme" value={theme} aria-pressed={chosen === theme}>
          {t(`theme.${theme}`)}
        </button>
      ))}
    </fetcher.Form>
  )
}
