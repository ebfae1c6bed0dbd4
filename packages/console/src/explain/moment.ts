/** A moment of the past as a person types it. */

/** A date, with or without a time, that says no time zone: it is in UTC, as every time on the page. */
const withoutZone = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d?:\d\d(?::\d\d(?:\.\d+)?)?))?$/

/** A zxid as it is, a time as milliseconds since 1970; undefined for an empty text, `wrong` for any other. */
export function momentOf(text: string): string | undefined {
  if (text === '') return undefined
  if (/^0x[0-9a-f]{1,16}$/i.test(text) || /^\d{12,15}$/.test(text)) return text
  const [, date, clock] = withoutZone.exec(text) ?? []
  const time = new Date(date === undefined ? text : `${date}T${(clock ?? '00:00').padStart(5, '0')}Z`).getTime()
  return Number.isNaN(time) ? 'wrong' : `${time}`
}

/** A moment as a field shows it: a time in words, a zxid as it is. */
export function momentText(moment: string | undefined): string {
  if (moment === undefined || !/^\d{12,15}$/.test(moment)) return moment ?? ''
  const date = new Date(Number(moment))
  return Number.isNaN(date.getTime()) ? moment : date.toISOString()
}
