/** A change of the directory is live with the next message, and each message stays with one version of the table. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Gateway, startGateway } from '../../support/gateway.ts'
import { startPostfix } from '../../support/postfix.ts'
import { missing } from '../../support/program.ts'
import { openScenario, settleAccounts } from '../../support/scenario.ts'
import { Client } from '../../support/smtp-client.ts'

const skip = missing('postfix')

/** A sender that writes to John again and again until it is told to stop. How many were taken. */
async function keepWriting(gateway: Gateway, name: string, isOver: () => boolean): Promise<number> {
  const client = new Client(gateway.smtp[0]?.port ?? 0)
  await client.reply()
  await client.ask('EHLO sender.example')
  let taken = 0
  for (; !isOver(); taken += 1) {
    await client.ask('MAIL FROM:<olga@outside.example>')
    await client.ask('RCPT TO:<john@shared.example>')
    await client.ask('DATA')
    client.send(
      Buffer.from(
        `From: <olga@outside.example>\r\nTo: <john@shared.example>\r\nMessage-ID: <${name}-${taken}@x>\r\n\r\nHi.\r\n.\r\n`,
      ),
    )
    assert.match(await client.reply(), /^250 /)
  }
  client.destroy()
  return taken
}

test('the directory changes under traffic', { skip }, async () => {
  await using s = openScenario(import.meta.dirname)
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), project: s.project() }))
  const [tenant1, tenant2] = await Promise.all(
    ['tenant1', 'tenant2'].map((name) =>
      s.keep(
        startPostfix({
          dir: join(s.dir, name),
          hostname: `mail.${name}.example`,
          listen: [{ host: s.host(name), port: 25 }],
          mailboxes: [`john@${name}.example`],
        }),
      ),
    ),
  )
  let isOver = false
  const senders = ['a', 'b', 'c'].map((name) => keepWriting(gateway, name, () => isOver))
  const pause = () => new Promise((resolve) => setTimeout(resolve, 500))
  const moves: { readonly done: number; readonly to: string }[] = []
  for (const to of ['tenant2', 'tenant1', 'tenant2']) {
    await pause()
    const moved = await gateway.run('directory', 'set', 'john@shared.example', `tenant:${to}`)
    assert.equal(moved.code, 0, moved.err)
    moves.push({ done: Date.now(), to })
  }
  await pause()
  isOver = true
  const taken = (await Promise.all(senders)).reduce((sum, n) => sum + n)

  const stories = [...Map.groupBy(await gateway.events(), ({ id }) => id).values()]
  const seen = new Map<number, string>()
  for (const story of stories) {
    const received = story.find(({ kind }) => kind === 'RECEIVE')
    const sent = story.find(({ kind }) => kind === 'SEND')
    const version = received?.tableVersion ?? -1
    const home = sent?.recipients?.[0] ?? 'nowhere'
    assert.equal(home, seen.get(version) ?? home, `version ${version} of the table sent John's mail to two places`)
    seen.set(version, home)
    const since = moves.findLast(({ done }) => done < (received?.at ?? 0))
    const next = moves[since === undefined ? 0 : moves.indexOf(since) + 1]
    const homes = [since?.to ?? 'tenant1', next?.to].map((tenant) => `john@${tenant}.example`)
    assert.ok(homes.includes(home), `after the move to ${since?.to} was answered, mail went to ${home}`)
  }
  assert.deepEqual(
    [...seen].sort(([a], [b]) => a - b).map(([, home]) => home),
    ['tenant1', 'tenant2', 'tenant1', 'tenant2'].map((tenant) => `john@${tenant}.example`),
  )

  assert.deepEqual(await settleAccounts(gateway), { sent: taken, refused: 0, deferred: 0 })
  await tenant1?.arrived('john@tenant1.example')
  const inBoth = () => (tenant1?.held ?? 0) + (tenant2?.held ?? 0)
  assert.equal(tenant1?.queued(), 0)
  assert.equal(tenant2?.queued(), 0)
  assert.equal(inBoth(), taken)
})
