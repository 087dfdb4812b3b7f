// The table of docs/failures.md: every reply by which we refuse or defer, and when it is given.
// The replies are asked themselves; when each is given is told by the comment above it.

import { replies } from '../src/mail/reply/reply.ts'
import type { Section } from './section.ts'

/** The file in which the replies and their comments stand. */
export const repliesFile = 'src/mail/reply/replies.ts'

export function failuresSection(source: string): Section {
  const rows = Object.entries(replies)
    .map(([name, reply]) => ({ name, when: commentAbove(source, name), ...spoken(reply) }))
    .filter(({ code }) => code >= 400)
    .sort((a, b) => a.code - b.code)
    .map(
      ({ name, when, code, enhanced, text }) => `| ${code} ${enhanced} | ${cell(text)} | ${cell(when)} | \`${name}\` |`,
    )
  const head = ['| Code | Words | When | Name |', '| --- | --- | --- | --- |']
  return { document: 'docs/failures.md', name: 'replies', text: [...head, ...rows].join('\n') }
}

/** The reply with the names of its parameters, in brackets, where their values would stand. */
function spoken(reply: (...args: never[]) => { code: number; enhanced: string; text: string }) {
  const parameters = /^\(([^)]*)\)/.exec(reply.toString())?.[1] ?? ''
  const names = parameters.split(',').map((parameter) => `<${parameter.trim()}>`)
  return Reflect.apply(reply, undefined, names)
}

/** Comment lines directly above the entry, as one text. */
function commentAbove(source: string, name: string): string {
  const found = new RegExp(`((?:^ *//.*\\n)+) *${name}:`, 'm').exec(source)?.[1] ?? ''
  return found
    .replace(/^ *\/\/ ?/gm, '')
    .trim()
    .replace(/\s+/g, ' ')
}

function cell(text: string): string {
  return text.replace(/\n/g, ' ').replace(/[|<>]/g, (c) => ({ '|': '\\|', '<': '&lt;', '>': '&gt;' })[c] ?? c)
}
