import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Folder, SpecialUse, Traits } from '../mailbox/mailbox.ts'
import { type MapQuestion, mapFolders } from './folder-map.ts'

function folder(path: string | readonly string[], more: Partial<Folder> = {}): Folder {
  const names = typeof path === 'string' ? path.split('/') : path
  return { id: names.join('.'), path: names, holdsMessages: true, isSubscribed: true, ...more }
}

type Question = Partial<Omit<MapQuestion, 'options'>> & { readonly options?: Partial<MapQuestion['options']> }

function map(q: Question): Readonly<Record<string, string>> {
  const { mapped } = mapFolders({
    source: [],
    target: [folder('INBOX', { use: 'inbox' })],
    sourceKind: 'dovecot',
    targetKind: 'dovecot',
    ...q,
    options: { excludeFolders: [], folderMap: {}, ...q.options },
  })
  return Object.fromEntries(mapped.map((m) => [m.source.path.join('/'), m.path.join('/')]))
}

const uses = (...pairs: readonly (readonly [string, SpecialUse])[]): readonly Folder[] =>
  pairs.map(([path, use]) => folder(path, { use }))

test('a folder with a task goes to the one that has it there, and takes along what lies below', () => {
  const source = [...uses(['INBOX', 'inbox'], ['Gesendet', 'sent']), folder('Gesendet/2019')]
  const target = uses(['INBOX', 'inbox'], ['Sent Items', 'sent'])
  assert.deepEqual(map({ source, target }), {
    INBOX: 'INBOX',
    Gesendet: 'Sent Items',
    'Gesendet/2019': 'Sent Items/2019',
  })
})

test('where no server says so, the task is known by usual names; one folder has it, others keep their names', () => {
  const source = [folder('INBOX'), folder('Sent'), folder('Sent Items'), folder('Papierkorb')]
  const target = uses(['INBOX', 'inbox'], ['Gesendete Elemente', 'sent'], ['Deleted', 'trash'])
  assert.deepEqual(map({ source, target }), {
    INBOX: 'INBOX',
    Sent: 'Gesendete Elemente',
    'Sent Items': 'Sent Items',
    Papierkorb: 'Deleted',
  })
})

test('a choice goes before everything, and two folders may be led into one', () => {
  const source = [folder('INBOX'), folder('Old'), folder('Old/A'), folder('Older')]
  const options = { folderMap: { old: 'Archive/Old', Older: 'Archive/Old' } }
  assert.deepEqual(map({ source, options }), {
    INBOX: 'INBOX',
    Old: 'Archive/Old',
    'Old/A': 'Archive/Old/A',
    Older: 'Archive/Old',
  })
})

test('below a root everything keeps its name', () => {
  const source = [...uses(['INBOX', 'inbox'], ['Sent', 'sent']), folder('INBOX/x')]
  assert.deepEqual(map({ source, options: { targetRoot: 'Moved/2026' } }), {
    INBOX: 'Moved/2026/INBOX',
    Sent: 'Moved/2026/Sent',
    'INBOX/x': 'Moved/2026/INBOX/x',
  })
})

test('names that Exchange takes for one stand side by side; Dovecot tells them apart', () => {
  const source = [folder('Work'), folder('work'), folder('Work '), folder('WORK/a')]
  assert.deepEqual(map({ source, targetKind: 'exchange' }), {
    Work: 'Work',
    work: 'work (2)',
    'Work ': 'Work (3)',
    'WORK/a': 'WORK/a',
  })
  assert.deepEqual(map({ source }), { Work: 'Work', work: 'work', 'Work ': 'Work ', 'WORK/a': 'WORK/a' })
})

test('what Exchange reserves is renamed, a slash in a name and spaces at its ends too', () => {
  const source = [folder('Files'), folder(['a/b', ' c ']), folder('Calendar/x')]
  assert.deepEqual(map({ source, targetKind: 'exchange' }), {
    Files: 'Files (mail)',
    'a/b/ c ': 'a_b/c',
    'Calendar/x': 'Calendar (mail)/x',
  })
})

test('decomposed letters are composed', () => {
  assert.deepEqual(map({ source: [folder('Entwu\u0308rfe/x')] }), { 'Entwu\u0308rfe/x': 'Entw\u00fcrfe/x' })
})

test('Courier keeps everything below INBOX; elsewhere it stands beside it', () => {
  const source = [folder('INBOX'), folder('INBOX/Sent'), folder('INBOX/Work/a')]
  assert.deepEqual(map({ source, sourceKind: 'courier' }), {
    INBOX: 'INBOX',
    'INBOX/Sent': 'Sent',
    'INBOX/Work/a': 'Work/a',
  })
  const plain = [folder('INBOX'), folder('INBOX/Work/a')]
  assert.deepEqual(map({ source: plain }), { INBOX: 'INBOX', 'INBOX/Work/a': 'INBOX/Work/a' })
})

test('exclusions by name, with what lies below, by task, and literally', () => {
  const source = [
    ...uses(['INBOX', 'inbox'], ['Deleted', 'trash']),
    folder('INBOX/x'),
    folder('Deleted/y'),
    folder('News'),
    folder('News/z'),
    folder('#Inbox#'),
  ]
  const left = (...excludeFolders: readonly string[]): readonly string[] =>
    Object.keys(map({ source, options: { excludeFolders } }))
  assert.deepEqual(left('news'), ['INBOX', 'Deleted', 'INBOX/x', 'Deleted/y', 'News/z', '#Inbox#'])
  assert.deepEqual(left('NEWS/*'), ['INBOX', 'Deleted', 'INBOX/x', 'Deleted/y', '#Inbox#'])
  assert.deepEqual(left('#DeletedItems#/*', '#inbox#'), ['INBOX/x', 'News', 'News/z', '#Inbox#'])
  assert.deepEqual(left('\\#Inbox#', '#Inbox#/x'), ['INBOX', 'Deleted', 'Deleted/y', 'News', 'News/z'])
})

test('folders that hold none, and views of others, are left out', () => {
  const source = [
    folder('INBOX'),
    folder('Top', { holdsMessages: false }),
    folder('Top/x'),
    folder('Starred', { use: 'flagged' }),
  ]
  assert.deepEqual(map({ source }), { INBOX: 'INBOX', 'Top/x': 'Top/x' })
})

test('a name that only holds other folders at the target is no folder yet: it is made, as it is written there', () => {
  const target = [folder('archive', { holdsMessages: false }), folder('archive/2024')]
  const { mapped } = mapFolders({
    source: [folder('Archive'), folder('Archive/2024')],
    target,
    sourceKind: 'dovecot',
    targetKind: 'exchange',
    options: { excludeFolders: [], folderMap: {} },
    known: new Map([['Archive', 'archive']]),
  })
  assert.deepEqual(
    mapped.map(({ path, existing }) => [path.join('/'), existing?.id]),
    [
      ['archive', undefined],
      ['archive/2024', 'archive.2024'],
    ],
  )
})

test('what an earlier pass chose stays, even where the user of the target has renamed nothing but the case', () => {
  const source = [folder('Work'), folder('work')]
  const target = [folder('work (2)'), folder('Work')]
  const known = new Map([
    ['Work', 'Work'],
    ['work', 'work (2)'],
  ])
  const kinds: readonly Traits['kind'][] = ['exchange', 'dovecot']
  for (const targetKind of kinds)
    assert.deepEqual(map({ source, target, known, targetKind }), { Work: 'Work', work: 'work (2)' })
})
