/** Batches from their CSV file to the last pass, over mailboxes in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { csvOf, eventually, fill, header, letter, type Stage, setStage } from './for-tests.ts'

const status = (stage: Stage, name = 'one') => stage.desk().show(name)?.status
const comesTo = (stage: Stage, wanted: string, name = 'one') => eventually(() => status(stage, name) === wanted, wanted)
const user = (stage: Stage, email: string, name = 'one') => {
  const found = stage.desk().user(name, email)
  assert.ok(found !== undefined, email)
  return found
}
const count = (stage: Stage, place: string) => stage.mailbox(place).folder('INBOX').messages.length

test('from the file to the last pass: copied, followed, completed, forgotten', async () => {
  await using stage = await setStage()
  for (const name of ['a', 'b', 'c']) fill(stage, name, 20)
  assert.ok(stage.create('one', csvOf('a', 'b', 'c'), { notify: ['it@shared.example'] }).ok)
  assert.equal(status(stage), 'Created')
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'Synced')
  for (const name of ['a', 'b', 'c']) assert.equal(count(stage, `${name}@n.example new.example`), 20)
  const view = stage.desk().show('one')
  assert.deepEqual(
    [view?.percent, view?.sums.messages, view?.summary.Synced, view?.sums.score],
    [100, 60, 3, 'Perfect'],
  )

  const source = stage.mailbox('a old.example')
  source.put(source.folder('INBOX'), letter(99))
  stage.desk().complete('one', 'ann', undefined)
  await comesTo(stage, 'Completed')
  assert.equal(count(stage, 'a@n.example new.example'), 21)
  assert.equal(stage.keys.size, 0)
  assert.ok(
    stage
      .desk()
      .users('one', { limit: 10 })
      ?.every(({ hasPassword }) => !hasPassword),
  )
  const { history } = user(stage, 'a@n.example')
  assert.deepEqual(
    history.map((change) => change.status).filter((one) => one !== 'Syncing'),
    ['Queued', 'Starting', 'Synced', 'Queued', 'Completing', 'Completed'],
  )
  await eventually(() => stage.letters.length > 0, 'a report')
  await eventually(() => stage.letters.at(-1)?.subject.includes('completed'), 'the last report')
  assert.deepEqual(stage.letters[0]?.to, ['it@shared.example'])
  assert.deepEqual(
    stage.letters[0]?.files.map(({ name }) => name),
    ['MigrationStatistics.csv', 'MigrationErrors.csv'],
  )
  const again = stage.desk().start('one', 'ann', undefined)
  assert.ok(!again.ok && again.kind === 'conflict')
  assert.deepEqual(stage.troubles, [])
})

test('a check tries each log-in and writes nothing; a few of different sizes are proposed', async () => {
  await using stage = await setStage()
  for (const [i, name] of ['a', 'b', 'c', 'd', 'e'].entries()) fill(stage, name, 1 + i * 5)
  stage.passwords.set('c old.example', 'another').set('c@n.example old.example', 'another')
  stage.create('one', csvOf('a', 'b', 'c', 'd', 'e'))
  stage.desk().check('one', undefined)
  await eventually(() => stage.desk().show('one')?.toCheck === 0, 'the end of the check')
  assert.equal(status(stage), 'Created')
  const { user: bad } = user(stage, 'c@n.example')
  assert.equal(bad.status, 'Failed')
  assert.deepEqual(
    [bad.trouble?.side, bad.trouble?.server, bad.trouble?.words],
    ['source', 'old.example:993', '[AUTHENTICATIONFAILED] no'],
  )
  assert.match(bad.trouble?.remedy ?? '', /row 4 of the CSV file/)
  const good = user(stage, 'e@n.example').user
  assert.deepEqual([good.status, good.survey?.messages], ['Stopped', 21])
  assert.equal(count(stage, 'e@n.example new.example'), 0)
  assert.deepEqual(stage.desk().proposed('one'), ['a@n.example', 'd@n.example', 'e@n.example'])

  const started = stage.desk().start('one', 'ann', 2)
  assert.ok(started.ok && started.text.startsWith('2 of 5 mailboxes'), started.ok ? started.text : started.why)
  await comesTo(stage, 'Synced')
  assert.deepEqual([count(stage, 'a@n.example new.example'), count(stage, 'b@n.example new.example')], [1, 0])
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'SyncedWithErrors')
  assert.equal(count(stage, 'd@n.example new.example'), 16)
})

test('a wrong password stops nobody else; with the right one it begins anew', async () => {
  await using stage = await setStage()
  for (const name of ['a', 'b']) fill(stage, name, 5)
  stage.passwords.set('a old.example', 'right').set('a@n.example old.example', 'right')
  stage.create('one', csvOf('a', 'b'))
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'SyncedWithErrors')
  assert.equal(count(stage, 'b@n.example new.example'), 5)
  const tries = stage.tried.filter((one) => one.endsWith(' old.example') && one.startsWith('a'))
  assert.ok(tries.length <= 3, tries.join(', '))
  const [key, keyId] = [Buffer.alloc(32), 'unused']
  const csv = Buffer.from(`${header}\na@n.example,a,right,x\nz@n.example,z,x,x\n`)
  const retried = stage.desk().retry({ name: 'one', by: 'ann', csv, key, keyId, skipped: false })
  assert.ok(retried.ok && !retried.keyTaken)
  await comesTo(stage, 'Synced')
  assert.equal(count(stage, 'a@n.example new.example'), 5)
  assert.equal(stage.desk().show('one')?.sums.mailboxes, 3)
})

test('passwords of a batch that is over are not taken again, unless there is work for them', async () => {
  await using stage = await setStage()
  fill(stage, 'a', 1)
  stage.create('one', csvOf('a'))
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'Synced')
  stage.desk().complete('one', 'ann', undefined)
  await comesTo(stage, 'Completed')
  const retry = (csv: string) =>
    stage
      .desk()
      .retry({ name: 'one', by: 'ann', csv: Buffer.from(csv), key: Buffer.alloc(32), keyId: 'new', skipped: false })
  const refused = retry(csvOf('a'))
  assert.equal(refused.ok ? refused.text : refused.why, 'one is Completed, and nobody in it failed')
  assert.equal(user(stage, 'a@n.example').user.hasPassword, false)
  assert.notEqual(stage.desk().show('one')?.completedAt, undefined)
  stage.keys.set('new', Buffer.alloc(32))
  assert.equal(retry(csvOf('a', 'z')).ok, true)
  await eventually(() => stage.desk().show('one')?.status === 'Completed' && !stage.keys.has('new'), 'z is completed')
  assert.equal(stage.desk().show('one')?.sums.mailboxes, 2)
})

test('a server that throttles one mailbox holds up no other', async () => {
  await using stage = await setStage()
  fill(stage, 'a', 5)
  fill(stage, 'b', 5)
  stage.mailbox('a@n.example new.example', {
    fault: ({ command, moment }) => {
      if (command === 'append' && moment === 'before')
        throw new MailboxTrouble('throttled', 'slow', { words: 'Request is throttled', waitMs: 299_961 })
    },
  })
  stage.create('one', csvOf('a', 'b'))
  stage.desk().start('one', 'ann', undefined)
  await eventually(() => user(stage, 'b@n.example').user.status === 'Synced', 'b is synced')
  const waiting = await eventually(() => user(stage, 'a@n.example').active?.waiting, 'a waits')
  assert.match(waiting, /Request is throttled/)
  assert.equal(status(stage), 'Syncing')
  const paused = await stage.desk().pause('one', 'ann', undefined)
  assert.ok(paused.ok)
  assert.equal(status(stage), 'Stopped')
})

test('pause breaks off at once, and resume goes on where it was', async () => {
  await using stage = await setStage()
  const slow = { fault: () => new Promise<void>((resolve) => setTimeout(resolve, 2)) }
  stage.mailbox('a@n.example new.example', slow)
  fill(stage, 'a', 200)
  stage.create('one', csvOf('a'))
  stage.desk().start('one', 'ann', undefined)
  await eventually(() => count(stage, 'a@n.example new.example') > 10, 'some messages')
  await stage.desk().pause('one', 'ann', Date.now() + 3_600_000)
  const there = count(stage, 'a@n.example new.example')
  assert.ok(there < 200, String(there))
  assert.deepEqual([status(stage), user(stage, 'a@n.example').user.status], ['Stopped', 'Stopped'])
  stage.desk().resume('one', 'bob')
  await comesTo(stage, 'Synced')
  assert.equal(count(stage, 'a@n.example new.example'), 200)
})

test('after a restart in the middle everything goes on, nothing twice', async () => {
  await using stage = await setStage()
  const slow = { fault: () => new Promise<void>((resolve) => setTimeout(resolve, 1)) }
  stage.mailbox('a@n.example new.example', slow)
  fill(stage, 'a', 150)
  stage.create('one', csvOf('a'))
  stage.desk().start('one', 'ann', undefined)
  for (const least of [10, 40, 80]) {
    await eventually(() => count(stage, 'a@n.example new.example') >= least, `${least} messages`)
    await stage.restart()
  }
  await comesTo(stage, 'Synced')
  assert.equal(count(stage, 'a@n.example new.example'), 150)
})

test('a mailbox at which the thread dies again and again is given up, and the others go on', async () => {
  await using stage = await setStage({
    copyPass: (job) =>
      new Promise((resolve) => job.signal.addEventListener('abort', () => resolve({ kind: 'stopped' }))),
  })
  stage.create('one', csvOf('a', 'b'))
  stage.desk().start('one', 'ann', undefined)
  for (let death = 0; death < 8; death += 1) {
    await eventually(() => user(stage, 'a@n.example').user.status !== 'Queued' || undefined, 'work')
    await new Promise((resolve) => setTimeout(resolve, 30))
    await stage.restart(true)
  }
  const { user: a } = user(stage, 'a@n.example')
  assert.deepEqual([a.status, a.trouble?.kind], ['Failed', 'hostile'])
})

test('a mistake of ours in one mailbox is the trouble of that one', async () => {
  await using stage = await setStage({
    copyPass: async ({ mailbox }) => {
      if (mailbox === 1) throw new TypeError('undefined is not a function')
      return { kind: 'done', copied: 1, bytes: 1, flags: 0, removed: 0, adopted: 0, skipped: 0, heldBack: 0 }
    },
  })
  stage.create('one', csvOf('a', 'b'))
  stage.desk().start('one', 'ann', undefined)
  await eventually(() => user(stage, 'b@n.example').user.status === 'Synced', 'b is synced')
  assert.match(user(stage, 'a@n.example').user.statusWhy, /^tried again in 1m: something went wrong on our side/)
  assert.match(stage.troubles.join('\n'), /undefined is not a function/)
})

test('orders that cannot be are refused with what to do', async () => {
  await using stage = await setStage()
  const desk = stage.desk()
  for (const answer of [
    desk.start('none', 'ann', undefined),
    desk.resume('none', 'ann'),
    desk.check('none', undefined),
  ])
    assert.ok(!answer.ok && answer.kind === 'absent')
  stage.create('one', csvOf('a'))
  const twice = stage.create('ONE', csvOf('a'))
  assert.ok(!twice.ok && twice.kind === 'conflict')
  const bad = stage.create('two', `${header}\nno address,a,x,x\n`)
  assert.ok(!bad.ok && bad.kind === 'bad' && bad.problems.length === 1)
  assert.equal(desk.show('two'), undefined)
  const early = desk.complete('one', 'ann', undefined)
  assert.ok(!early.ok && early.remedy === 'causeway migrate start one')
  const resumed = desk.resume('one', 'ann')
  assert.ok(!resumed.ok)
  const nobody = desk.sendReport('one')
  assert.ok(!nobody.ok)
})

test('a pause ends by itself, and a batch begins at its time', async () => {
  await using stage = await setStage()
  for (const name of ['a', 'b']) fill(stage, name, 1)
  stage.create('one', csvOf('a'))
  stage.desk().start('one', 'ann', undefined)
  await stage.desk().pause('one', 'ann', Date.now() + 200)
  assert.equal(status(stage), 'Stopped')
  stage.create('two', csvOf('b'), { startAfter: new Date(Date.now() + 1200).toISOString() })
  stage.desk().start('two', 'ann', undefined)
  assert.equal(status(stage, 'two'), 'Waiting')
  await comesTo(stage, 'Synced')
  await comesTo(stage, 'Synced', 'two')
})

test('a day later what came since is fetched, what changed is followed, and a report goes out', async () => {
  await using stage = await setStage()
  const source = fill(stage, 'a', 3)
  stage.create('one', csvOf('a'), { notify: ['it@shared.example'] })
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'Synced')
  await eventually(() => stage.letters.length === 1, 'the first report')
  source.put(source.folder('INBOX'), letter(7))
  const [first] = source.folder('INBOX').messages
  assert.ok(first !== undefined)
  source.setFlags(source.folder('INBOX'), first, ['\\Flagged'])
  stage.pass(24 * 60 * 60_000 + 60_000)
  await eventually(() => user(stage, 'a@n.example').user.status === 'IncrementalSynced', 'a second pass')
  assert.equal(count(stage, 'a@n.example new.example'), 4)
  const there = stage.mailbox('a@n.example new.example').folder('INBOX').messages
  assert.ok(there.some(({ flags }) => flags.includes('\\Flagged')))
  await eventually(() => stage.letters.length === 2, 'the report of the day')
  assert.match(stage.letters[1]?.subject ?? '', /^Migration batch one: report /)
})

test('a batch that has not begun is not begun by pause and resume; its check ends', async () => {
  await using stage = await setStage({
    surveyMailbox: (job) =>
      new Promise((resolve) => job.signal.addEventListener('abort', () => resolve({ kind: 'stopped' }))),
  })
  stage.create('one', csvOf('a', 'b'))
  stage.desk().check('one', undefined)
  await eventually(() => user(stage, 'a@n.example').user.status === 'Validating', 'Validating')
  await stage.desk().pause('one', 'ann', undefined)
  assert.deepEqual([status(stage), stage.desk().show('one')?.toCheck], ['Created', 0])
  assert.ok(!stage.desk().resume('one', 'ann').ok)
})

test('a mailbox is found by its address however that is spelled', async () => {
  await using stage = await setStage()
  stage.create('one', `${header}\nGrüße@bücher.example,g,x,x\n`)
  for (const spelled of ['Grüße@bücher.example', 'grüße@BÜCHER.example', 'grüße@xn--bcher-kva.example'])
    assert.equal(user(stage, spelled).user.row, 2)
})

test('who is paused on the way to the end goes on to the end', async () => {
  await using stage = await setStage()
  fill(stage, 'a', 1)
  stage.create('one', csvOf('a'))
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'Synced')
  stage.desk().complete('one', 'ann', 60_000)
  await eventually(() => user(stage, 'a@n.example').user.status === 'CompletionSynced', 'CompletionSynced')
  await stage.desk().pause('one', 'ann', undefined)
  assert.equal(status(stage), 'Stopped')
  stage.desk().resume('one', 'ann')
  await eventually(() => user(stage, 'a@n.example').user.status === 'CompletionSynced', 'CompletionSynced again')
  assert.equal(status(stage), 'Completing')
})

test('a shorter interval counts at once', async () => {
  await using stage = await setStage()
  fill(stage, 'a', 1)
  stage.create('one', csvOf('a'))
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'Synced')
  const { settings } = stage.desk().show('one') ?? {}
  assert.ok(settings !== undefined)
  assert.ok(stage.desk().change('one', { ...settings, intervalMinutes: 15 }).ok)
  const { nextAt = 0, lastSyncedAt = 0 } = user(stage, 'a@n.example').user
  assert.equal(nextAt - lastSyncedAt, 15 * 60_000)
})

test('what is removed is gone, with its key; the mail stays', async () => {
  await using stage = await setStage()
  fill(stage, 'a', 3)
  stage.create('one', csvOf('a'))
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'Synced')
  assert.ok((await stage.desk().remove('one', 'ann')).ok)
  assert.deepEqual([stage.desk().list().length, stage.keys.size], [0, 0])
  assert.equal(count(stage, 'a@n.example new.example'), 3)
})

test('an admin opens all, with the password from the vault; one that is not there is told', async () => {
  await using stage = await setStage()
  for (const name of ['a', 'b']) fill(stage, name, 2)
  const login = (password: string) => ({ login: { kind: 'admin', user: 'boss', password } })
  const csv = 'EmailAddress,UserName,Password\na@n.example,a,\nb@n.example,b,\n'
  const settings = (name: string) => ({
    source: { host: 'old.example', ...login(`vault:old.example/${name}`) },
    target: { host: 'new.example', ...login('vault:new.example/boss') },
  })
  stage.create('one', csv, settings('boss'))
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'Synced')
  assert.equal(user(stage, 'a@n.example').user.sourceForm, 'sasl')
  stage.create('two', csv, settings('nobody'))
  stage.desk().start('two', 'ann', undefined)
  await comesTo(stage, 'Failed', 'two')
  assert.match(
    user(stage, 'a@n.example', 'two').user.statusWhy,
    /there is no secret old\.example\/nobody: causeway secret set/,
  )
})

test('after the final pass it can be followed for what still comes to the old side', async () => {
  await using stage = await setStage()
  fill(stage, 'a', 2)
  stage.create('one', csvOf('a'), { compare: true })
  stage.desk().start('one', 'ann', undefined)
  await comesTo(stage, 'Synced')
  stage.desk().complete('one', 'ann', 1500)
  await eventually(() => user(stage, 'a@n.example').user.status === 'CompletionSynced', 'CompletionSynced')
  assert.equal(status(stage), 'Completing')
  const source = stage.mailbox('a old.example')
  source.put(source.folder('INBOX'), letter(50))
  await comesTo(stage, 'Completed')
  assert.equal(count(stage, 'a@n.example new.example'), 3)
})
