/** From Dovecot to Dovecot, killed on the way, judged by a program that is not ours. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareMailboxes } from '../support/compare-mailboxes.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { makeMailbox } from '../support/mail-corpus.ts'

const dir = mkdtempSync(join(tmpdir(), 'copy-dovecot-'))
const users = { ann: 'pw', bob: 'pw' }
const source = await startDovecot({ dir: join(dir, 'source'), users })
const target = await startDovecot({ dir: join(dir, 'target'), users })
after(async () => {
  await Promise.all([source.stop(), target.stop()])
  rmSync(dir, { recursive: true })
})

/** undefined when it was killed before it had ended. */
async function copy(user: string, connections: number, killAfterMs?: number): Promise<unknown> {
  const args = [join(dir, `${user}.db`), source.port, target.port, user, connections].map(String)
  const child = spawn(process.execPath, [join(import.meta.dirname, 'copy-process.ts'), ...args], { stdio: 'pipe' })
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  const [out, trouble] = await Promise.all([text(child.stdout), text(child.stderr)])
  clearTimeout(timer)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  if (child.signalCode === 'SIGKILL') return undefined
  assert.equal(child.exitCode, 0, trouble)
  return JSON.parse(out)
}

async function assertEqual(user: string): Promise<void> {
  const person = { user, password: 'pw' }
  const at = ({ host, port }: Dovecot): { host: string; port: number } => ({ host, port })
  const judged = await compareMailboxes({
    source: at(source),
    target: at(target),
    people: [{ source: person, target: person }],
  })
  assert.deepEqual(judged[0]?.differences, [])
}

test('a mailbox of odd messages is the same in every byte, flag, date and name, and a second pass does nothing', async () => {
  const made = makeMailbox({ maildir: source.maildir('ann'), messages: 300, seed: 1, largest: 30_000 })
  const first = await copy('ann', 1)
  assert.deepEqual(pick(first), { kind: 'done', copied: made.messages, skipped: 0, adopted: 0 })
  await assertEqual('ann')
  assert.deepEqual(pick(await copy('ann', 1)), { kind: 'done', copied: 0, skipped: 0, adopted: 0 })
})

test('what changes is followed: new messages, flags, deletions', async () => {
  source.doveadm('flags', 'add', '-u', 'ann', '\\Flagged $Label1', 'mailbox', 'Sent', 'unflagged')
  source.doveadm('flags', 'remove', '-u', 'ann', '\\Seen', 'mailbox', 'Archive', 'seen')
  source.doveadm('expunge', '-u', 'ann', 'mailbox', 'Trash', '1:2')
  source.doveadm('copy', '-u', 'ann', 'Drafts', 'mailbox', 'INBOX', '1:20')
  source.doveadm('mailbox', 'create', '-u', 'ann', '-s', 'Neu/Ordner')
  const outcome = await copy('ann', 1)
  assert.deepEqual(pick(outcome), { kind: 'done', copied: 20, skipped: 0, adopted: 0 })
  await assertEqual('ann')
})

test('killed ten times on the way, over two connections, no message is lost or doubled', async () => {
  makeMailbox({ maildir: source.maildir('bob'), messages: 400, seed: 2, largest: 60_000 })
  let kills = 0
  for (let i = 0; i < 10; i += 1) {
    if ((await copy('bob', 2, 330 + 60 * i)) === undefined) kills += 1
    await sleep(20)
  }
  assert.ok(kills > 3, `it was killed ${kills} times only`)
  const last = await copy('bob', 2)
  assert.equal(pick(last).kind, 'done', JSON.stringify(last))
  await assertEqual('bob')
})

function pick(outcome: unknown): { readonly [key: string]: unknown } {
  const { kind, copied, skipped, adopted } = Object(outcome)
  return { kind, copied, skipped, adopted }
}
