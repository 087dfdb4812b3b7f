/** What a file changes, and what stays as commands left it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { layProject } from '../../test/support/commands.ts'
import { openStore } from '../store/store.ts'
import { type LiveProject, loadProject, openLiveProject, type Project, servedDomain } from './project.ts'

let dir: string
let file: string
let ended = (): void => {}
let live: LiveProject

/** As after a restart: from the disk alone. */
function open(): void {
  ended()
  const opened = openStore(join(dir, 'data'))
  assert.ok(opened.ok)
  ended = () => opened.db.close()
  live = openLiveProject(opened.db, Date.now)
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'causeway-live-'))
  file = layProject(dir, 2525)
  open()
})
afterEach(() => {
  ended()
  ended = () => {}
  rmSync(dir, { recursive: true })
})

function read(): Project {
  const loaded = loadProject(file)
  assert.ok(loaded.ok)
  return loaded.value
}

function edit(from: string, to: string): Project {
  const text = readFileSync(file, 'utf8')
  assert.ok(text.includes(from))
  writeFileSync(file, text.replace(from, to))
  return read()
}

const modeOf = (name: string) => servedDomain(live.current() ?? assert.fail('no project'), name)?.mode

test('a file that was applied by command is not taken again at a restart', () => {
  live.adopt(read(), 'apply')
  assert.ok(live.setDomain('shared.example', { mode: 'hold' }, 'ann').ok)
  open()
  assert.equal(live.adoptFile(read(), 'serve --project'), false)
  assert.equal(modeOf('shared.example'), 'hold')
})

test('a mode that is not written stays, whatever else changes in the file', () => {
  live.adopt(read(), 'apply')
  assert.ok(live.setDomain('shared.example', { mode: 'hold' }, 'ann').ok)
  const next = edit('name: commands', 'name: others')
  assert.deepEqual(live.differencesTo(next), [{ path: 'name', old: 'commands', new: 'others' }])
  open()
  assert.equal(live.adoptFile(next, 'serve --project'), true)
  assert.equal(modeOf('shared.example'), 'hold')
  open()
  assert.equal(modeOf('shared.example'), 'hold', 'it is kept with the revision')
  assert.equal(live.adoptFile(next, 'serve --project'), false, 'what the file says is remembered, not what stayed')
})

test('a mode that is written counts', () => {
  live.adopt(read(), 'apply')
  assert.ok(live.setDomain('shared.example', { mode: 'hold' }, 'ann').ok)
  const next = edit('- name: shared.example', '- name: shared.example\n    mode: open')
  assert.deepEqual(live.differencesTo(next), [{ path: 'domain shared.example: mode', old: 'hold', new: 'open' }])
  live.adopt(next, 'apply')
  assert.equal(modeOf('shared.example'), 'open')
})

test('a file that is applied again undoes what was changed since, for good', () => {
  live.adopt(read(), 'apply')
  const [entry] = live.current()?.table.entries() ?? []
  assert.ok(entry)
  assert.ok(live.change({ remove: [entry.external] }, 'ann').ok)
  live.adopt(read(), 'apply')
  const { size = 0 } = live.current()?.table ?? {}
  open()
  assert.equal(live.current()?.table.size, size)
})
