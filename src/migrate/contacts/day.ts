/** A day out of what address books write. */

/** YYYY-MM-DD, --MM-DD without a year, or '' where it cannot be told: 3/4/1970 is March in one country and April in the next. */
export function dayOf(text: string): string {
  const value = text.trim()
  const iso = /^(\d{4})-?(\d{2})-?(\d{2})(?:T.*)?$/.exec(value)
  if (iso !== null) return checked(iso[1], iso[2], iso[3])
  const yearless = /^--(\d{2})-?(\d{2})$/.exec(value)
  if (yearless !== null) return checked(undefined, yearless[1], yearless[2])
  const german = /^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$/.exec(value)
  if (german !== null) return checked(german[3], german[2], german[1])
  const slashed = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(value)
  if (slashed !== null) return slashes(slashed[1] ?? '', slashed[2] ?? '', slashed[3])
  return ''
}

/** Only where one of the two cannot be a month, or both are the same. */
function slashes(first: string, second: string, year: string | undefined): string {
  if (Number(first) > 12) return checked(year, second, first)
  return Number(second) > 12 || first === second ? checked(year, first, second) : ''
}

function checked(year: string | undefined, month = '', day = ''): string {
  const [m, d] = [month.padStart(2, '0'), day.padStart(2, '0')]
  const date = new Date(`${year ?? '2000'}-${m}-${d}T00:00:00Z`)
  // Outlook writes 0/0/00 for no day at all, and the 31st of February is none.
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(d)) return ''
  return year === undefined ? `--${m}-${d}` : `${year}-${m}-${d}`
}
