import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failuresSection, repliesFile } from './failures.ts'
import { allQuirks, quirksSection } from './quirks.ts'
import { sectionProblem, withSection } from './section.ts'
import { readSourceTree } from './source-tree.ts'

const section = { document: 'docs/x.md', name: 'things', text: '- one' }
const place = '<!-- begin things: made from the source by npm run docs -->\n<!-- end things -->'

test('a made part is put between its markers, and what people wrote around it stays', () => {
  const written = withSection(`Before.\n${place}\nAfter.\n`, section) ?? ''
  assert.match(written, /^Before\.\n<!-- begin [^\n]*-->\n\n- one\n\n<!-- end things -->\nAfter\.\n$/)
  assert.equal(withSection(written, section), written)
  assert.equal(sectionProblem(written, section), undefined)
})

test('a document that is behind, has no place for the part, or is missing: each told with what to do', () => {
  const behind = withSection(place, { ...section, text: '- none' })
  assert.match(sectionProblem(behind, section) ?? '', /^docs\/x\.md: is behind the source; run: npm run docs$/)
  assert.match(sectionProblem('No markers.', section) ?? '', /add these two lines: <!-- begin things/)
  assert.match(sectionProblem(undefined, section) ?? '', /is missing; write it/)
})

const mark = 'QUIRK:'
const source = `
// ${mark} servers do this
// and that (seen at one).
const a = 1 // ${mark} short.
/** Says what it does. ${mark} in one line. */
/**
 * Something else. ${mark} from the middle
 * to the end of the paragraph.
 *
 * No longer part of it.
 */
// RFC 5321. ${mark} one
// ${mark} and another at once.
const text = 'no ${mark} here'
`

test('a quirk is read from its mark to the end of the comment', () => {
  assert.deepEqual(
    allQuirks(new Map([['src/a/a.ts', source]])).map(({ text }) => text),
    [
      'servers do this and that (seen at one).',
      'short.',
      'in one line.',
      'from the middle to the end of the paragraph.',
      'one',
      'and another at once.',
    ],
  )
})

test('quirks are listed by room, each with its file', () => {
  const tree = new Map([
    ['src/b/b.ts', `// ${mark} second.\n`],
    ['src/a/a.ts', `// ${mark} first.\n`],
  ])
  assert.equal(
    quirksSection(tree).text,
    '### a\n\n- first. ([a.ts](../src/a/a.ts))\n\n### b\n\n- second. ([b.ts](../src/b/b.ts))',
  )
})

test('every refusal stands in the table with its code and with when it is given', () => {
  const replies = readSourceTree(repliesFile).get(repliesFile) ?? ''
  const rows = failuresSection(replies).text.split('\n').slice(2)
  for (const row of rows) assert.match(row, /^\| [45]\d\d [45]\.\d\.\d+ \| [^|]+ \| [^| ][^|]* \| `\w+` \|$/)
  assert.equal(rows.length, replies.match(/\breply\(\s*[45]\d\d/g)?.length)
})
