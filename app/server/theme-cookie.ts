/** The theme somebody chose on this workstation; without a choice the system's. */
export const THEMES = ['dark', 'daylight', 'system'] as const
export type Theme = (typeof THEMES)[number]

export function readTheme(cookieHeader: string | null): Theme {
  const [, found] = /(?:^|;\s*)isocenter_theme=(\w+)/.exec(cookieHeader ?? '') ?? []
  // Readers sit in the dark beside images: that is where an unknown workstation starts.
  return THEMES.find((theme) => theme === found) ?? 'dark'
}

export function themeCookie(theme: Theme): string {
  return `isocenter_theme=${theme}; Path=/; SameSite=Lax; Max-Age=31536000`
}
