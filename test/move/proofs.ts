/** What the mailbox move promises (docs/moving.md), put to the test with the real program and real servers. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { missingCyrus } from '../support/cyrus.ts'
import { startLiar } from './liar.ts'
import { type Kind, type Stage, type StageOptions, setStage } from './stage.ts'

export type Told = { readonly did: string; readonly broken: readonly string[] }
export type Proof = {
  readonly id: string
  readonly title: string
  readonly cannot?: () => string | undefined
  readonly run: (o: { readonly isShort: boolean; readonly say: (line: string) => void }) => Promise<Told>
}

/** Names that a target cannot have, as it gets them, are told by `survey`; here they are known. */
const cyrusNames = ['Projekte/50%*=Projekte/50__', 'Projekte/Quote " and \\ back=Projekte/Quote _ and _ back']
/** Of the odd messages Cyrus takes all but one, which has no header at all: it gets an empty line, and that is told. */
const cyrusRepairs = 1

export const proofs: readonly Proof[] = [
  {
    id: 'dovecot',
    title: 'Dovecot to Dovecot, killed on the way, a second pass, changes',
    run: (o) => copies('dovecot', o),
  },
  {
    id: 'cyrus',
    title: 'Dovecot to Cyrus, killed on the way, a second pass, changes',
    cannot: () => missingCyrus() || undefined,
    run: (o) => copies('cyrus', o),
  },
  {
    id: 'troubles',
    title: 'a wrong password, a mailbox that vanishes, a target that is full: the others go on',
    run: troubles,
  },
  { id: 'liars', title: 'a source that stalls, lies about sizes, sends lines without end, hangs up', run: liars },
  { id: 'memory', title: 'messages of 150 MB', run: memory },
]

async function copies(
  target: Kind,
  { isShort, say }: { isShort: boolean; say: (line: string) => void },
): Promise<Told> {
  const broken: string[] = []
  const kills = isShort ? 3 : 10
  const size = isShort ? { mailboxes: 4, messages: 150, largest: 20_000 } : { mailboxes: 20, messages: 2000 }
  const config = target === 'cyrus' ? { targetConfig: 'munge8bit: no' } : {}
  await using stage = await setStage({ target, ...size, ...config })
  const repaired = target === 'cyrus' ? cyrusRepairs : 0
  await stage.start({ concurrency: 4, intervalMinutes: 43_200 })
  const from = performance.now()
  for (let n = 0; n < kills; n += 1) {
    await sleep((isShort ? 200 : 2000) + Math.random() * (isShort ? 700 : 4000))
    await stage.killed()
    say(`killed ${n + 1} of ${kills}: ${(await stage.batch()).messages} of ${stage.messages}`)
  }
  await stage.until(['Synced'], isShort ? 60_000 : 1_800_000)
  const seconds = (performance.now() - from) / 1000
  say(`first pass: ${stage.messages} messages, ${seconds.toFixed(0)} s`)
  for (const user of stage.users) {
    const { body } = await stage.ask('GET', `/v1/migrations/proof/users/${user}@contoso.example/skipped`)
    const { items } = body as { readonly items: readonly { readonly kind: string }[] }
    const told = items.filter(({ kind }) => kind === 'repaired').length
    if (items.length !== repaired || told !== repaired) broken.push(`${user}: told is ${JSON.stringify(items)}`)
  }
  broken.push(...(await differences(stage, target, 'after the first pass')))

  const changed = change(stage)
  await stage.ask('POST', '/v1/migrations/proof/complete', {})
  await stage.until(['Completed', 'CompletedWithWarnings'], isShort ? 60_000 : 600_000)
  broken.push(...(await differences(stage, target, 'after the final pass')))
  return {
    did: `${stage.messages} messages in ${size.mailboxes} mailboxes, ${kills} kills, ${changed} new, ${changed} flagged`,
    broken,
  }
}

/** What had to be repaired for the target is another message there, and nothing else is. */
async function differences(stage: Stage, target: Kind, when: string): Promise<readonly string[]> {
  const options = target === 'cyrus' ? ['--extra-folders-ok', ...cyrusNames.flatMap((pair) => ['--map', pair])] : []
  const judged = await stage.judge(options)
  const allowed = (difference: unknown): boolean =>
    target === 'cyrus' &&
    /^\{"folder":"INBOX",(?:"missing":1,"first":\[\["[0-9a-f]+",39,|"extra":1,"first":\[\["[0-9a-f]+",41,)/.test(
      JSON.stringify(difference),
    )
  return judged.flatMap(({ user, differences: found }) => {
    const left = found.filter((difference) => !allowed(difference))
    return left.length === 0 ? [] : [`${when}, ${user}: ${JSON.stringify(left).slice(0, 600)}`]
  })
}

/** One in a hundred is new, one in a hundred gets another flag. */
function change(stage: Stage): number {
  const few = Math.ceil(stage.messages / stage.users.length / 100)
  for (const user of stage.users) {
    stage.source.doveadm('flags', 'add', '-u', user, '\\Flagged', 'mailbox', 'INBOX', `1:${few}`)
    for (let i = 0; i < few; i += 1) {
      const argv = ['-c', join(stage.dir, 'source', 'dovecot.conf'), 'save', '-u', user, '-m', 'Sent']
      const input = `From: <new@partner.example>\r\nMessage-ID: <${user}.${i}@new.example>\r\nSubject: new\r\n\r\nnew\r\n`
      const { status, stderr } = spawnSync('doveadm', argv, { input, encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
    }
  }
  return few * stage.users.length
}

async function troubles(): Promise<Told> {
  const broken: string[] = []
  await using stage = await setStage({
    target: 'dovecot',
    mailboxes: 5,
    messages: 60,
    largest: 20_000,
    odd: false,
    passwords: { user1: 'another' },
    quota: { user2: 200_000 },
  })
  rmSync(join(stage.source.maildir('user3'), '..'), { recursive: true })
  await stage.start({ concurrency: 5 })
  await stage.until(['Synced', 'Failed'], 90_000)
  const all = await stage.mailboxes()
  const statuses = all.map(({ email, status }) => `${email.split('@')[0]} ${status}`).toSorted()
  const wrong = all.find(({ email }) => email.startsWith('user1'))
  if (wrong?.status !== 'Failed' || wrong.trouble?.kind !== 'login')
    broken.push(`the wrong password is told as ${JSON.stringify(wrong?.trouble)}`)
  const full = all.find(({ email }) => email.startsWith('user2'))
  if (full?.status !== 'Failed' || full.trouble?.kind !== 'full')
    broken.push(`the full mailbox is ${full?.status}: ${JSON.stringify(full?.trouble)}`)
  for (const user of ['user0', 'user4'])
    if (!statuses.includes(`${user} Synced`)) broken.push(`${user} did not go on: ${statuses.join(', ')}`)
  const judged = await stage.judge([], ['user0', 'user4'])
  for (const { user, differences: found } of judged)
    if (found.length > 0) broken.push(`${user}: ${JSON.stringify(found).slice(0, 300)}`)
  return { did: statuses.join(', '), broken }
}

async function liars({ isShort, say }: { isShort: boolean; say: (line: string) => void }): Promise<Told> {
  const broken: string[] = []
  const options: StageOptions = { target: 'dovecot', mailboxes: 1, messages: 40, largest: 20_000, odd: false }
  // Who says nothing is waited for, three minutes long.
  const ways = (['size', 'endless', 'hangUp', 'floods', 'stall'] as const).filter((way) => !isShort || way !== 'stall')
  for (const way of ways) {
    await using stage = await setStage(options)
    const liar = await startLiar(stage.source.port, way)
    const before = stage.program().rssMegabytes()
    await stage.start({ source: { host: '127.0.0.1', port: liar.port, security: 'none' } })
    await liar.lied
    await stage.until(['Synced', 'Failed'], 400_000)
    const [told] = await stage.mailboxes()
    // It lies once: whoever asks again is served honestly.
    if (told?.status === 'Failed') {
      say(`${way}: ${told.trouble?.what ?? ''}`)
      if ((told.trouble?.what ?? '') === '') broken.push(`${way}: it failed without a word`)
      await stage.ask('POST', '/v1/migrations/proof/retry', {})
      await stage.until(['Synced'], 60_000)
    }
    const grew = stage.program().rssMegabytes() - before
    say(`${way}: memory grew by ${grew.toFixed(0)} MB`)
    if (grew > 150) broken.push(`${way}: memory grew by ${grew.toFixed(0)} MB`)
    for (const { differences: found } of await stage.judge())
      if (found.length > 0) broken.push(`${way}: ${JSON.stringify(found).slice(0, 400)}`)
    await liar.stop()
  }
  return { did: ways.join(', '), broken }
}

async function memory({ isShort, say }: { isShort: boolean; say: (line: string) => void }): Promise<Told> {
  const broken: string[] = []
  await using stage = await setStage({ target: 'dovecot', mailboxes: 1, messages: 20, largest: 20_000, odd: false })
  const size = isShort ? 60 : 150
  const count = isShort ? 2 : 4
  const body = Buffer.alloc(size * 1_000_000 - 200, `${'x'.repeat(70)}\r\n`)
  for (let i = 0; i < count; i += 1) {
    const argv = ['-c', join(stage.dir, 'source', 'dovecot.conf'), 'save', '-u', 'user0', '-m', 'INBOX']
    const { status, stderr } = spawnSync('doveadm', argv, {
      input: Buffer.concat([Buffer.from(`Subject: large ${i}\r\n\r\n`), body]),
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
  }
  const before = stage.program().rssMegabytes()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, stage.program().rssMegabytes())
  }, 50)
  await stage.start({})
  await stage.until(['Synced'], 600_000)
  clearInterval(timer)
  const grew = most - before
  say(`memory was ${before.toFixed(0)} MB, and ${most.toFixed(0)} MB at most`)
  if (grew > 150) broken.push(`memory grew by ${grew.toFixed(0)} MB`)
  for (const { differences: found } of await stage.judge())
    if (found.length > 0) broken.push(JSON.stringify(found).slice(0, 400))
  return { did: `${count} messages of ${size} MB: memory grew by ${grew.toFixed(0)} MB`, broken }
}
