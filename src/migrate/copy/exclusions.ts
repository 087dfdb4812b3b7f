/** Folders to leave out, written as for Exchange's ExcludeFolders. */
import type { SpecialUse } from '../mailbox/mailbox.ts'

/** Exchange's well-known names that a mailbox reached by IMAP has. */
const wellKnown: Readonly<Record<string, SpecialUse>> = {
  inbox: 'inbox',
  sentitems: 'sent',
  drafts: 'drafts',
  deleteditems: 'trash',
  junkemail: 'junk',
  archive: 'archive',
}

/**
 * Whether a folder is left out. `Name` and `#Inbox#` mean that folder, with `/*` behind it what lies below as well; a name
 * that begins with a backslash is taken literally, `\#odd#`. Case is ignored. There are no other wildcards.
 */
export function excludes(
  patterns: readonly string[],
): (path: readonly string[], useOf: (path: readonly string[]) => SpecialUse | undefined) => boolean {
  const tests = patterns.map(readPattern)
  return (path, useOf) => tests.some((test) => test(path, useOf))
}

type Test = (path: readonly string[], useOf: (path: readonly string[]) => SpecialUse | undefined) => boolean

function readPattern(pattern: string): Test {
  const withBelow = pattern.endsWith('/*')
  const name = withBelow ? pattern.slice(0, -2) : pattern
  const known = /^#([a-z]+)#((?:\/.*)?)$/i.exec(name)
  const use = wellKnown[(known?.[1] ?? '').toLowerCase()]
  const rest = fold((known?.[2] ?? '').slice(1))
  const literal = fold(name.startsWith('\\') ? name.slice(1) : name)
  const isFolder: Test = (path, useOf) =>
    use === undefined ? fold(path.join('/')) === literal : isBelow(path, use, rest, useOf)
  if (!withBelow) return isFolder
  return (path, useOf) => path.some((_, i) => isFolder(path.slice(0, i + 1), useOf))
}

/** Whether the path is the folder with this task, or `rest` below it. */
function isBelow(
  path: readonly string[],
  use: SpecialUse,
  rest: string,
  useOf: (path: readonly string[]) => SpecialUse | undefined,
): boolean {
  return path.some((_, i) => useOf(path.slice(0, i + 1)) === use && fold(path.slice(i + 1).join('/')) === rest)
}

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase()
}
