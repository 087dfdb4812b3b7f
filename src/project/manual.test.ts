import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { manualText, schemaText } from './project.ts'

const docs = join(import.meta.dirname, '../../docs')

test('the manual and the schema are in step with the code (node tools/manual.ts writes them)', () => {
  assert.equal(readFileSync(join(docs, 'project-file.md'), 'utf8'), manualText())
  assert.equal(readFileSync(join(docs, 'project.schema.json'), 'utf8'), schemaText())
})

/** Every schema of a field, with where it stands. */
function fields(node: unknown, path = ''): readonly (readonly [string, unknown])[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) => {
    const own =
      key === 'properties' && typeof value === 'object' && value !== null
        ? Object.entries(value).map(([name, field]) => [`${path}/${name}`, field] as const)
        : []
    return [...own, ...fields(value, `${path}/${key}`)]
  })
}

test('every field has a description', () => {
  const schema: unknown = JSON.parse(schemaText())
  const all = fields(schema)
  assert.ok(all.length > 50)
  for (const [path, field] of all) {
    const text = JSON.stringify(field)
    assert.ok(
      text.includes('"description"') || /"\$ref":"#\/\$defs\/\w+"/.test(text) || path.endsWith('/smarthost'),
      path,
    )
  }
})
