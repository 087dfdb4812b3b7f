/** Numbers and times as an operator reads them at a glance. Times are those of this machine; --json has UTC. */
import { span } from '../api/api.ts'
import { escapeText } from '../trace/trace.ts'

export { span }

const two = (n: number): string => String(n).padStart(2, '0')

/** `2026-11-23 08:05:09`. */
export function localTime(iso: string): string {
  const t = new Date(iso)
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`
  return `${day} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`
}

/** Times in a sentence of the gateway's. */
export function withLocalTimes(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, localTime)
}

/** How far off a time is: `in 12m`, `now`. */
export function until(iso: string, now: number): string {
  const seconds = Math.round((Date.parse(iso) - now) / 1000)
  return seconds <= 0 ? 'now' : `in ${span(seconds)}`
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `980 B`, `12.3 MB`. */
export function bytes(count: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(count, 1)) / 3), 0), units.length - 1)
  return power === 0 ? `${count} B` : `${(count / 1000 ** power).toFixed(1)} ${units[power]}`
}

export const number = (count: number): string => count.toLocaleString('en-US')

/** `1 recipient`, `1,200 recipients`. */
export function some(count: number, thing: string): string {
  return `${number(count)} ${thing}${count === 1 ? '' : 's'}`
}

/** What a stranger wrote, made safe and short enough for a column. */
export function cell(text: string, longest = 40): string {
  const safe = Array.from(escapeText(text))
  return safe.length <= longest ? safe.join('') : `${safe.slice(0, longest - 1).join('')}…`
}

export const mailbox = (address: string, longest = 40): string => cell(`<${address}>`, longest)
