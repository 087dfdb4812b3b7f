// The import ladder: who may lean on whom. ARCHITECTURE.md draws it; this holds it.
//
// Promises: every import of ours in src/ is judged by four rules (rung, door, neighbour, cycle) and each offence is
// told with file, line and what to do instead.
// Never: reads anything but the tree that it is given, so that tests can show it made-up trees.

import { posix } from 'node:path'
import { allImports, type Import } from './imports.ts'
import type { SourceTree } from './source-tree.ts'

/** From the top down. Rooms on one rung do not import each other. */
const rungs: readonly (readonly string[])[] = [
  ['cli'],
  ['api'],
  ['lab'],
  ['relay', 'migrate', 'cutover'],
  ['project'],
  ['queue', 'trace', 'dns', 'tenants'],
  ['config', 'store', 'secrets'],
  ['mail'],
]

/** The composition root: it alone may import everything. */
const main = 'src/main.ts'

/** What a value has no business with: `mail/` does no I/O. */
const inputOutput = /^(?:node:)?(?:fs|net|tls|dns|dgram|http|https|http2|child_process|worker_threads|sqlite)(?:\/|$)/

/** Offences against the ladder, as lines for people. Empty when the tree is in order. */
export function ladderProblems(tree: SourceTree): readonly string[] {
  const imports = allImports(tree)
  const offences = imports.flatMap((i) => {
    const why = offence(i)
    return why === undefined ? [] : [`${i.from}:${i.line}: imports ${i.to}: ${why}`]
  })
  return [...strayFiles(tree), ...offences, ...cycles(imports)]
}

function offence(i: Import): string | undefined {
  if (i.from === main) return undefined
  if (!i.ours) return i.from.startsWith('src/mail/') && !isTest(i.from) ? valueOffence(i) : undefined
  return i.from.startsWith('src/') ? roomOffence(i) : doorOffence(i)
}

function valueOffence(i: Import): string | undefined {
  // Whether a text is an IP address asks nobody, although node:net is where the question stands.
  const asksNobody = i.to === 'node:net' && /^\{(?:\s*isIP(?:v4|v6)?\s*,?)+\s*\}$/.test(i.names)
  return inputOutput.test(i.to) && !asksNobody ? 'mail/ holds values and does no I/O' : undefined
}

function roomOffence(i: Import): string | undefined {
  if (!i.to.startsWith('src/')) return outsideOffence(i)
  if (i.to === main) return 'nothing imports the composition root'
  return rungOffence(i) ?? doorOffence(i)
}

/** A test beside its source may use what all tests share; nothing else reaches out of src/. */
function outsideOffence(i: Import): string | undefined {
  if (!i.to.endsWith('.ts')) return undefined
  if (isTest(i.from)) return i.to.startsWith('test/support/') ? undefined : 'a unit test may import test/support only'
  return 'the product does not import from outside src/'
}

function rungOffence(i: Import): string | undefined {
  const [from, to] = [roomOf(i.from), roomOf(i.to)]
  if (from === to) return undefined
  const [above, below] = [rungOf(from), rungOf(to)]
  if (above === -1 || below === -1) return undefined // strayFiles tells it once for the file
  if (above === below) return `${from} and ${to} stand on one rung; what both need belongs below, or is passed in`
  return above > below ? `${to} stands above ${from}; imports point down; pass it in from above` : undefined
}

/** A folder is entered by its door, the file with its name; who is inside the folder walks freely. */
function doorOffence(i: Import): string | undefined {
  if (!i.to.startsWith('src/') || i.to === main) return undefined
  const folder = posix.dirname(i.to)
  if (i.from.startsWith(`${folder}/`)) return undefined
  const door = `${folder}/${posix.basename(folder)}.ts`
  return i.to === door ? undefined : `enter by the door, ${door}`
}

function strayFiles(tree: SourceTree): readonly string[] {
  return [...tree.keys()]
    .filter((path) => path.startsWith('src/') && path !== main && rungOf(roomOf(path)) === -1)
    .map((path) => `${path}: stands in no room of the ladder; move it into one, or add the room to tools/ladder.ts`)
}

/** Loops at run time. Types are erased, and a file started as a worker begins anew: neither closes a loop. */
function cycles(imports: readonly Import[]): readonly string[] {
  const edges = new Map<string, string[]>()
  for (const i of imports) {
    if (i.ours && i.kind === 'value') edges.set(i.from, [...(edges.get(i.from) ?? []), i.to])
  }
  const found: string[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path)
    if (seen !== -1) found.push(`cycle: ${[...trail.slice(seen), path].join(' -> ')}`)
    if (seen !== -1 || done.has(path)) return
    for (const next of edges.get(path) ?? []) walk(next, [...trail, path])
    done.add(path)
  }
  for (const path of edges.keys()) walk(path, [])
  return found
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

/** 0 is the top. */
function rungOf(room: string): number {
  return rungs.findIndex((rooms) => rooms.includes(room))
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.endsWith('.fuzz.ts')
}
