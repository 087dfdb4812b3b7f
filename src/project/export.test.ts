import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { type EntryText, entryText } from './entry.ts'
import {
  checkDirectory,
  differences,
  loadProject,
  loadProjectText,
  move,
  type Project,
  projectText,
  setMode,
} from './project.ts'

const folder = mkdtempSync(join(tmpdir(), 'causeway-export-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'project.yaml')

const base = `
name: "test: # 1"
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [one.example, uno.example], from: { addresses: [192.0.2.1] }, to: { host: mail.one.example } }
  - { name: two, kind: smtp, domains: [two.example], from: { secret: { header: X-Key, valueFile: two.key } }, to: { host: mail.two.example, port: 26 }, outbound: direct }
domains:
  - { name: shared.example, unknown: { tenant: two } }
  - { name: brand.example }
`
writeFileSync(join(folder, 'two.key'), 'a-very-secret-value\n')

function load(text: string): Project {
  const result = loadProjectText(Buffer.from(text), file)
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}

function withEntries(project: Project, ...put: readonly EntryText[]): Project {
  const table = project.table.with({ put })
  assert.ok(table.ok, JSON.stringify(table))
  return { ...project, table: table.value }
}

const entriesOf = (p: Project): readonly EntryText[] => [...p.table.entries()].map(entryText)

function same(a: Project, b: Project): void {
  const plain = ({ document: _, table, ...rest }: Project): unknown => ({ ...rest, size: table.size })
  assert.deepEqual(plain(a), plain(b))
  assert.deepEqual(entriesOf(a), entriesOf(b))
  assert.deepEqual(differences(a, b), [])
}

test('property: an exported project loads as the same project', () => {
  const local = fc.oneof(
    fc.constantFrom('ann', "o'neil", '"a b"', 'null', '1e5', 'jörg', 'a+b', '#x', 'a&b', '{x}', '!y'),
    fc.stringMatching(/^[a-z0-9]{1,8}$/),
  )
  const entry = fc.record({
    internal: fc.tuple(local, fc.constantFrom('one.example', 'two.example')).map((p) => p.join('@')),
    external: fc.tuple(local, fc.constantFrom('shared.example', 'two.example')).map((p) => p.join('@')),
    aliases: fc.array(
      local.map((l) => `${l}@brand.example`),
      { maxLength: 2 },
    ),
    outboundOnly: fc.boolean(),
    name: fc.option(fc.string({ minLength: 1, unit: 'grapheme-ascii' }), { nil: undefined }),
  })
  const empty = load(base)
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
      const project = entries.reduce<Project>((p, one) => {
        const table = p.table.with({ put: [one] })
        return table.ok ? { ...p, table: table.value } : p
      }, empty)
      same(project, load(projectText(project)))
    }),
  )
})

test('CSV files become lines of the directory, with names and modes', () => {
  writeFileSync(join(folder, 'people.csv'), 'Source,Target,Mode\nann@one.example,ann@two.example,DayTwo\n')
  writeFileSync(
    join(folder, 'edge.csv'),
    'Name,InternalAddress,ExternalAddress,ExceptionList,OutboundOnly\n"All, of one",*.one.example,shared.example,x.one.example,True\n',
  )
  const project = load(`${base}directoryFiles: [people.csv, edge.csv]\n`)
  const text = projectText(project)
  assert.match(text, /^ {2}- \{ internal: ann@two.example, external: ann@one.example, mode: DayTwo \}$/m)
  assert.match(
    text,
    /^ {2}- \{ name: "All, of one", internal: "\*\.one\.example", external: "@shared\.example", outboundOnly: true, except: \[x\.one\.example\] \}$/m,
  )
  assert.doesNotMatch(text, /directoryFiles/)
  same(project, load(text))
})

test('differences: settings by their effect, people by who they are, secrets never', () => {
  const a = withEntries(
    load(base),
    { internal: 'ann@one.example', external: 'ann@shared.example' },
    { internal: 'bob@one.example', external: 'bob@shared.example' },
  )
  assert.deepEqual(differences(a, load(projectText(a).replace('port: 26', 'port: 26\n      tls: required'))), [])
  writeFileSync(join(folder, 'three.key'), 'another-secret-value\n')
  const b = withEntries(
    load(
      base
        .replace('port: 26', 'port: 27')
        .replace('two.key', 'three.key')
        .replace('name: brand.example', 'name: brand.example, mode: hold')
        .replace('outbound: direct', ''),
    ),
    { internal: 'ann@two.example', external: 'ann@shared.example', aliases: ['ann@one.example'] },
    { internal: 'eve@one.example', external: 'eve@shared.example', outboundOnly: true },
  )
  assert.deepEqual(differences(a, b), [
    { path: 'tenant two: from.secret.value', old: '(not shown)', new: '(not shown)' },
    { path: 'tenant two: to.port', old: '26', new: '27' },
    { path: 'tenant two: outbound.kind', old: 'direct', new: 'return' },
    { path: 'domain brand.example: mode', old: 'open', new: 'hold' },
    {
      path: 'directory ann@shared.example',
      old: 'ann@one.example -> ann@shared.example',
      new: 'ann@two.example -> ann@shared.example (aliases ann@one.example)',
    },
    { path: 'directory eve@one.example', new: 'eve@one.example -> eve@shared.example (outbound only)' },
    { path: 'directory bob@shared.example', old: 'bob@one.example -> bob@shared.example' },
  ])
})

test('differences: waits and sizes as the file writes them', () => {
  const a = load(base)
  const written = load(`${base}policy: { warnAfter: 240m, returnAfter: 3d }\n`)
  assert.deepEqual(differences(a, written), [{ path: 'policy.returnAfter', old: '2d', new: '3d' }])
  const reserve = load(base.replace('gw.example.net }', 'gw.example.net, diskReserve: 1500MB }'))
  assert.equal(reserve.gateway.diskReserveBytes, 1.5e9)
  assert.deepEqual(differences(a, reserve), [{ path: 'gateway.diskReserve', new: '1500MB' }])
  same(reserve, load(projectText(reserve)))
})

/** The entry after a change, as text. */
function after1(project: Project, change: ReturnType<typeof setMode>): EntryText | undefined {
  assert.ok(change.ok, JSON.stringify(change))
  const table = project.table.with(change.value)
  assert.ok(table.ok, JSON.stringify(table))
  return [...table.value.entries()].map(entryText)[0]
}

test('setMode: from each stage to each other, whatever came before', () => {
  const stages = {
    None: {
      internal: 'ann@one.example',
      external: 'ann@one.example',
      aliases: ['ann@two.example', 'old@brand.example'],
    },
    DayOne: { internal: 'ann@one.example', external: 'ann@two.example', aliases: ['old@brand.example'] },
    DayTwo: { internal: 'ann@two.example', external: 'ann@one.example', aliases: ['old@brand.example'] },
    Done: {
      internal: 'ann@two.example',
      external: 'ann@two.example',
      aliases: ['ann@one.example', 'old@brand.example'],
    },
  }
  const modes = ['None', 'DayOne', 'DayTwo', 'Done'] as const
  for (const from of modes) {
    const project = withEntries(load(base), { ...stages[from], mode: from, name: 'Ann' })
    for (const to of modes)
      assert.deepEqual(
        after1(project, setMode(project, 'ann@two.example', to)),
        { ...stages[to], mode: to, name: 'Ann' },
        `${from} ${to}`,
      )
  }
})

test('setMode: an entry without a mode is somebody who has not moved; a domain entry gives an entry of its own', () => {
  const plain = withEntries(load(base), { internal: 'ann@one.example', external: 'ann@two.example' })
  assert.deepEqual(after1(plain, setMode(plain, 'ann@one.example', 'DayTwo')), {
    internal: 'ann@two.example',
    external: 'ann@one.example',
    mode: 'DayTwo',
  })
  const resting = withEntries(load(base), {
    internal: 'ann@one.example',
    external: 'ann@one.example',
    aliases: ['ann@brand.example', 'ann@two.example'],
  })
  assert.deepEqual(after1(resting, setMode(resting, 'ann@one.example', 'DayOne')), {
    internal: 'ann@one.example',
    external: 'ann@two.example',
    aliases: ['ann@brand.example'],
    mode: 'DayOne',
  })
  const covered = withEntries(load(base), { internal: '@one.example', external: '@two.example' })
  const change = setMode(covered, 'ann@one.example', 'DayTwo')
  assert.ok(change.ok)
  assert.deepEqual(change.value, {
    put: [{ internal: 'ann@two.example', external: 'ann@one.example', aliases: [], mode: 'DayTwo' }],
  })
  assert.ok(covered.table.with(change.value).ok)
})

test('setMode and move say why not', () => {
  const project = withEntries(
    load(base),
    { internal: 'ann@one.example', external: 'ann@one.example' },
    { internal: 'bob@one.example', external: 'info@shared.example', outboundOnly: true },
  )
  for (const [answer, pattern] of [
    [setMode(project, 'nobody@one.example', 'Done'), /nobody in the directory/],
    [setMode(project, 'not an address', 'Done'), /not an address/],
    [setMode(project, 'ann@one.example', 'Done'), /one address in a tenant/],
    [setMode(project, 'bob@one.example', 'Done'), /nobody in the directory/],
    [move(project, 'ann@one.example', 'tow'), /no tenant "tow"/],
    [move(project, 'ann@one.example', 'two'), /Nothing says which address/],
  ] as const) {
    assert.ok(!answer.ok)
    assert.match(answer.problems[0]?.text ?? '', pattern)
  }
})

test('move: the mailbox is in the other tenant, and the old address stays hers', () => {
  const project = withEntries(load(base), {
    internal: 'john@one.example',
    external: 'john@shared.example',
    aliases: ['j@two.example', 'js@brand.example'],
  })
  const moved = after1(project, move(project, 'js@brand.example', 'two'))
  assert.deepEqual(moved, {
    internal: 'j@two.example',
    external: 'john@shared.example',
    aliases: ['john@one.example', 'js@brand.example'],
  })
  const back = withEntries(load(base), moved)
  assert.deepEqual(after1(back, move(back, 'john@shared.example', 'one')), {
    internal: 'john@one.example',
    external: 'john@shared.example',
    aliases: ['j@two.example', 'js@brand.example'],
  })
  const already = move(project, 'john@shared.example', 'one')
  assert.ok(already.ok)
  assert.deepEqual([already.value, already.warnings.length], [{}, 1])
})

test('move keeps the stage in step', () => {
  const project = withEntries(load(base), { internal: 'ann@one.example', external: 'ann@two.example', mode: 'DayOne' })
  assert.deepEqual(after1(project, move(project, 'ann@one.example', 'two')), {
    internal: 'ann@two.example',
    external: 'ann@two.example',
    aliases: ['ann@one.example'],
    mode: 'Done',
  })
})

test('directory check: what is allowed and still deserves a look', () => {
  const texts = (...entries: readonly EntryText[]): string =>
    checkDirectory(withEntries(load(base), ...entries))
      .map((p) => p.text)
      .join('\n')
  assert.equal(texts({ internal: 'ann@one.example', external: 'ann@shared.example' }), '')
  assert.match(
    texts({ internal: 'ann@one.example', external: 'ann@shared.example', aliases: ['a@old.example'] }),
    /alias a@old\.example/,
  )
  const domain = { internal: '@two.example', external: '@shared.example' }
  assert.match(
    texts(domain, { internal: 'ann@one.example', external: 'ann@shared.example' }),
    /ann@two\.example is left as it is/,
  )
  assert.equal(texts(domain, { internal: 'ann@two.example', external: 'ann@shared.example' }), '')
  assert.match(
    texts({ internal: '@two.example', external: '@one.example' }),
    /takes the mail of everybody at @one\.example/,
  )
  assert.match(
    texts({ internal: 'a@one.example', external: 'info@brand.example', outboundOnly: true }),
    /replies to a@one\.example will be refused/,
  )
  assert.equal(texts({ internal: 'a@one.example', external: 'info@shared.example', outboundOnly: true }), '')
  assert.match(
    texts(
      { internal: '*.one.example', external: '@shared.example', outboundOnly: true },
      { internal: 'ann@two.example', external: 'ann@shared.example' },
    ),
    /leaves people alone.*ann@shared\.example/,
  )
})

test('a loaded file can be exported, though it is not changed', () => {
  writeFileSync(file, base)
  const result = loadProject(file)
  assert.ok(result.ok)
  same(result.value, load(projectText(result.value)))
})
