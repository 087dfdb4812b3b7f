// A folder below test/golden is a case: README.md says why it exists, case.json asks, project.yaml and in.eml are what is
// asked about; explain.json and 1.eml, 2.eml ... are the answer and the copies that would leave, to the byte.
// What is new each time, the sealed pass and the signature proper, is replaced by a word. `UPDATE_GOLDEN=1 npm test --
// test/golden.test.ts` writes the answers anew: read the difference before it is committed (test/golden/README.md).

import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { existingKeys } from '../src/api/api.ts'
import { loadProject, problemText } from '../src/project/project.ts'
import { askExplanation, type Explanation } from '../src/relay/explain/explain.ts'
import { dkimKey } from '../src/secrets/secrets.ts'
import { issue } from './support/certificates.ts'

type Case = { readonly from: string; readonly to: readonly string[]; readonly peer: string }
type Answer = { readonly explanation: string; readonly copies: readonly string[] }

const folder = join(import.meta.dirname, 'golden')
const isUpdate = process.env['UPDATE_GOLDEN'] !== undefined
const names = readdirSync(folder).filter((name) => /^\d\d-/.test(name))
const stage = setStage()
after(() => rmSync(stage, { recursive: true }))

/** The cases again, with the keys and certificates that their projects name: none are kept in the repository. */
function setStage(): string {
  const dir = mkdtempSync(join(tmpdir(), 'golden-'))
  cpSync(folder, dir, { recursive: true })
  const { cert, key } = issue({ names: ['gw.example.net'] })
  writeFileSync(join(dir, 'shared', 'gateway.crt'), cert)
  writeFileSync(join(dir, 'shared', 'gateway.key'), key)
  dkimKey(join(dir, 'shared', 'dkim.key'), 'rsa', { create: true })
  dkimKey(join(dir, 'shared', 'dkim-ed25519.key'), 'ed25519', { create: true })
  return dir
}

for (const name of names) {
  test(`golden ${name}`, async () => {
    assert.ok(readFileSync(join(folder, name, 'README.md'), 'utf8').length > 20, 'README.md says why the case exists')
    const answer = await ask(join(stage, name))
    if (isUpdate) write(join(folder, name), answer)
    const { explanation, copies } = expected(join(folder, name))
    assert.equal(answer.explanation, explanation, 'explain.json')
    copies.forEach((copy, i) => assert.equal(answer.copies[i], copy, `${i + 1}.eml`))
    assert.equal(answer.copies.length, copies.length)
  })
}

/** What `causeway explain --project --message --out` does, with the clock stopped. */
async function ask(dir: string): Promise<Answer> {
  const loaded = loadProject(join(dir, 'project.yaml'))
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(problemText).join('\n'))
  const question = JSON.parse(readFileSync(join(dir, 'case.json'), 'utf8')) as Case
  const asked = await askExplanation(
    { ...question, to: question.to.flatMap(expand), message: readFileSync(join(dir, 'in.eml')) },
    {
      project: loaded.value,
      keys: existingKeys(),
      passKey: Buffer.alloc(32, 7),
      now: new Date('2026-01-02T03:04:05Z'),
    },
  )
  assert.ok(asked.ok, asked.ok ? '' : asked.why)
  return {
    explanation: `${JSON.stringify(abridge(asked.explanation), undefined, 2)}\n`,
    copies: asked.copies.map((pieces) => withoutVolatile(Buffer.concat(pieces).toString('latin1'))),
  }
}

/** `person{450}@a.example` is person1 to person450. */
function expand(address: string): readonly string[] {
  const many = /\{(\d+)\}/.exec(address)
  if (many === null) return [address]
  return Array.from({ length: Number(many[1]) }, (_, i) => address.replace(many[0], String(i + 1)))
}

/** Of many recipients the first and the last are shown. */
function abridge(explanation: Explanation) {
  const deliveries = explanation.deliveries.map(({ recipients, ...rest }) => ({
    ...rest,
    recipients:
      recipients.length <= 10 ? recipients : [recipients[0], `${recipients.length - 2} more`, recipients.at(-1)],
  }))
  return { ...explanation, deliveries }
}

/** Our own fields stand above the first original one; what stands below is compared to the byte. */
function withoutVolatile(copy: string): string {
  return copy
    .replace(/(?<=(?:^|\r\n)X-Causeway-Pass:)\s+\S+/, ' (sealed)')
    .replaceAll(/(?<=(?:^|\r\n)DKIM-Signature: )(?:.|\r\n )*;\s+s=cw\d;(?:.|\r\n )*/g, readableSignature)
}

/** Which domain, which selector, which fields; the hashes are for verifiers. */
function readableSignature(value: string): string {
  const tags = value.replaceAll(/\s+/g, '').split(';')
  return tags.filter((tag) => /^[adsh]=/.test(tag)).join('; ')
}

function expected(dir: string): Answer {
  const copies: string[] = []
  for (let i = 1; existsSync(join(dir, `${i}.eml`)); i += 1)
    copies.push(readFileSync(join(dir, `${i}.eml`)).toString('latin1'))
  return { explanation: readFileSync(join(dir, 'explain.json'), 'utf8'), copies }
}

function write(dir: string, { explanation, copies }: Answer): void {
  for (const old of readdirSync(dir).filter((file) => /^\d+\.eml$/.test(file))) rmSync(join(dir, old))
  writeFileSync(join(dir, 'explain.json'), explanation)
  copies.forEach((copy, i) => writeFileSync(join(dir, `${i + 1}.eml`), copy, 'latin1'))
}
