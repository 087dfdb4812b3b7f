/** Numbers in sentences. */

export const some = (count: number, thing: string): string =>
  `${count.toLocaleString('en-US')} ${thing}${count === 1 ? '' : /(?:x|s|sh|ch)$/.test(thing) ? 'es' : 's'}`

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `980 B`, `12.3 MB`. */
export function bytesText(count: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(count, 1)) / 3), 0), units.length - 1)
  return power === 0 ? `${count} B` : `${(count / 1000 ** power).toFixed(1)} ${units[power]}`
}
