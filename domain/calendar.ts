/** Business time at a site: weekly opening windows and holidays in an IANA zone, and arithmetic that survives DST. */

/** One opening window of a weekday, in local time; ISO weekday 1 = Monday … 7 = Sunday. */
export type BusinessWindow = { weekday: number; opens: string; closes: string }

export type BusinessCalendar = {
  /** IANA time zone of the site. */
  zone: string
  windows: readonly BusinessWindow[]
  /** Local dates (YYYY-MM-DD) on which no window opens. */
  holidays: readonly string[]
}
