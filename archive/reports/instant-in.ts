/** An instant as DICOM writes it where the report was made: DA, TM and the offset beside them (PS3.5 6.2, PS3.3 C.12.1.1.8). */

export interface InstantIn {
  date: string
  time: string
  /** &ZZXX, as Timezone Offset From UTC has it. */
  offset: string
  /** VR DT, the offset included. */
  dateTime: string
}

export function instantIn(at: Date, zone: string): InstantIn {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  }).formatToParts(at)
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)!.value
  const date = `${part('year').padStart(4, '0')}${part('month')}${part('day')}`
  const time = `${part('hour')}${part('minute')}${part('second')}`
  // "GMT" alone is no offset; "GMT+01:00" is one.
  const offset = part('timeZoneName').replace('GMT', '').replace(':', '') || '+0000'
  return { date, time, offset, dateTime: `${date}${time}${offset}` }
}
