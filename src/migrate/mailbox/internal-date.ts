/** IMAP's date-time (RFC 3501 section 9): `17-Jul-2026 02:44:25 -0700`, the day padded with a space. */

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const form = /^\s?(\d{1,2})-([a-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/i

/** The instant in ms since 1970; undefined for a text that is none, such as a year 0 or a 31st of April. */
export function instantOf(internalDate: string): number | undefined {
  const m = form.exec(internalDate)
  if (m === null) return undefined
  const [day = 0, year = 0, hour = 0, minute = 0, second = 0] = [m[1], m[3], m[4], m[5], m[6]].map(Number)
  const month = months.indexOf((m[2] ?? '').toLowerCase())
  if (month < 0 || hour > 23 || minute > 59 || second > 60 || year < 1) return undefined
  const local = new Date(0)
  // Not Date.UTC: it takes the years 0 to 99 for 1900 to 1999.
  local.setUTCFullYear(year, month, day)
  if (local.getUTCDate() !== day) return undefined
  local.setUTCHours(hour, minute, second)
  const zone = (Number(m[8]) * 60 + Number(m[9])) * 60_000
  return local.getTime() - (m[7] === '-' ? -zone : zone)
}

/** The same instant in UTC, as IMAP writes it. */
export function internalDateOf(ms: number): string {
  const d = new Date(ms)
  const two = (n: number): string => String(n).padStart(2, '0')
  const month = months[d.getUTCMonth()] ?? ''
  const name = month.slice(0, 1).toUpperCase() + month.slice(1)
  const day = `${two(d.getUTCDate())}-${name}-${String(d.getUTCFullYear()).padStart(4, '0')}`
  return `${day} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`
}
