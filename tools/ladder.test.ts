import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ladderProblems } from './ladder.ts'

/** A made-up tree: each file with the lines of code that it consists of. */
function problems(files: Record<string, string>): readonly string[] {
  return ladderProblems(new Map(Object.entries(files)))
}

const clean = {
  'src/main.ts': `import { serve } from './cli/serve.ts'\nimport { inner } from './relay/plan/copies.ts'\n`,
  'src/cli/cli.ts': `import { relay } from '../relay/relay.ts'\nimport { plan } from '../relay/plan/plan.ts'\n`,
  'src/relay/relay.ts': `import { plan } from './plan/plan.ts'\nimport fs from 'node:fs'\n`,
  'src/relay/plan/plan.ts': `import { copies } from './copies.ts'\nimport { parseAddress } from '../../mail/address/address.ts'\n`,
  'src/relay/plan/copies.ts': `import type { Plan } from './plan.ts'\nimport { limits } from '../limits.ts'\n`,
  'src/relay/plan/copies.test.ts': `import { copies } from './copies.ts'\nimport { certs } from '../../../test/support/certs.ts'\n`,
  'src/trace/trace.ts': `const writer = new Worker(new URL('./writer.ts', import.meta.url))\n`,
  'src/trace/writer.ts': `import { row } from './trace.ts'\n`,
  'src/mail/address/address.ts': `import { domain } from './domain.ts'\nimport { isUtf8 } from 'node:buffer'\nimport { isIP, isIPv6 } from 'node:net'\n`,
  'src/mail/header/header.ts': `import { parseAddress } from '../address/address.ts'\n`,
  'test/scenario.test.ts': `import { plan } from '../src/relay/plan/plan.ts'\nimport { certs } from './support/certs.ts'\n`,
}

test('a tree in order has no problems', () => {
  assert.deepEqual(problems(clean), [])
})

const offences: readonly {
  readonly why: string
  readonly path: string
  readonly code: string
  readonly told: RegExp
}[] = [
  {
    why: 'up the ladder',
    path: 'src/mail/reply/reply.ts',
    code: `import { relay } from '../../relay/relay.ts'`,
    told: /relay stands above mail/,
  },
  {
    why: 'up the ladder, by type only',
    path: 'src/dns/dns.ts',
    code: `import type { P } from '../project/project.ts'`,
    told: /project stands above dns/,
  },
  {
    why: 'up the ladder, on many lines',
    path: 'src/dns/dns.ts',
    code: `import {\n  type P,\n  q,\n} from '../project/project.ts'`,
    told: /project stands above dns/,
  },
  {
    why: 'up the ladder, at run time',
    path: 'src/dns/dns.ts',
    code: `const p = await import('../project/project.ts')`,
    told: /project stands above dns/,
  },
  {
    why: 'up the ladder, in a type',
    path: 'src/dns/dns.ts',
    code: `type P = import('../project/project.ts').Project`,
    told: /project stands above dns/,
  },
  {
    why: 'up the ladder, by handing on',
    path: 'src/dns/dns.ts',
    code: `export * from '../project/project.ts'`,
    told: /project stands above dns/,
  },
  {
    why: 'up the ladder, for its effect',
    path: 'src/dns/dns.ts',
    code: `import '../project/project.ts'`,
    told: /project stands above dns/,
  },
  {
    why: 'up the ladder, as a worker',
    path: 'src/dns/dns.ts',
    code: `new Worker(new URL('../project/project.ts', import.meta.url))`,
    told: /project stands above dns/,
  },
  {
    why: 'across a rung',
    path: 'src/trace/find.ts',
    code: `import { ask } from '../dns/dns.ts'`,
    told: /stand on one rung/,
  },
  {
    why: 'past a door',
    path: 'src/cli/trace.ts',
    code: `import { row } from '../trace/writer.ts'`,
    told: /enter by the door, src\/trace\/trace\.ts/,
  },
  {
    why: 'past a nested door from its own room',
    path: 'src/relay/settle.ts',
    code: `import { copies } from './plan/copies.ts'`,
    told: /enter by the door, src\/relay\/plan\/plan\.ts/,
  },
  {
    why: 'past a nested door from below it',
    path: 'src/relay/sign/sign.ts',
    code: `import { copies } from '../plan/copies.ts'`,
    told: /enter by the door/,
  },
  {
    why: 'past a door from a scenario',
    path: 'test/x.test.ts',
    code: `import { row } from '../src/trace/writer.ts'`,
    told: /enter by the door/,
  },
  {
    why: 'past a door from a unit test',
    path: 'src/mail/header/header.test.ts',
    code: `import { d } from '../address/domain.ts'`,
    told: /enter by the door/,
  },
  {
    why: 'up the ladder from a unit test',
    path: 'src/mail/header/header.test.ts',
    code: `import { p } from '../../project/project.ts'`,
    told: /project stands above mail/,
  },
  {
    why: 'out of src from a unit test',
    path: 'src/dns/dns.test.ts',
    code: `import { x } from '../../tools/ladder.ts'`,
    told: /test\/support only/,
  },
  {
    why: 'out of src from the product',
    path: 'src/dns/dns.ts',
    code: `import { x } from '../../test/support/certs.ts'`,
    told: /does not import from outside src/,
  },
  {
    why: 'the composition root',
    path: 'src/cli/apply.ts',
    code: `import { x } from '../main.ts'`,
    told: /composition root/,
  },
  {
    why: 'I/O among the values',
    path: 'src/mail/message/message.ts',
    code: `import { readFile } from 'node:fs/promises'`,
    told: /does no I\/O/,
  },
  {
    why: 'I/O among the values, beside what is none',
    path: 'src/mail/message/message.ts',
    code: `import { connect, isIP } from 'node:net'`,
    told: /does no I\/O/,
  },
  { why: 'a room that nobody knows', path: 'src/helpers/x.ts', code: ``, told: /stands in no room/ },
  { why: 'a file outside the rooms', path: 'src/version.ts', code: ``, told: /stands in no room/ },
]

for (const { why, path, code, told } of offences) {
  test(`refused: ${why}`, () => {
    const found = problems({ ...clean, [path]: `${code}\n` })
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', told)
    assert.ok(found[0]?.startsWith(path))
  })
}

test('refused: a cycle, told with its whole way', () => {
  const found = problems({
    'src/dns/dns.ts': `import { a } from './a.ts'\n`,
    'src/dns/a.ts': `import { b } from './b.ts'\n`,
    'src/dns/b.ts': `import { a } from './a.ts'\n`,
  })
  assert.deepEqual(found, ['cycle: src/dns/a.ts -> src/dns/b.ts -> src/dns/a.ts'])
})

test('refused: a cycle closed by handing on, below a type of the same file', () => {
  const door = `export type T = {\n  readonly a: string\n}\n\nexport { type B, b } from './b.ts'\n`
  const found = problems({ 'src/dns/dns.ts': door, 'src/dns/b.ts': `import { type T, a } from './dns.ts'\n` })
  assert.deepEqual(found, ['cycle: src/dns/dns.ts -> src/dns/b.ts -> src/dns/dns.ts'])
})

test('an import in a comment is none, and the line told is the right one', () => {
  const code = `// import { p } from '../project/project.ts'\n/*\nimport '../project/project.ts'\n*/\nimport '../project/project.ts'\n`
  assert.deepEqual(problems({ 'src/dns/dns.ts': code }).length, 1)
  assert.match(problems({ 'src/dns/dns.ts': code })[0] ?? '', /^src\/dns\/dns\.ts:5:/)
})
