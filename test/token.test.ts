/** The token of the API as an operator exchanges it, while the gateway runs. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { canary, found } from './support/canary.ts'
import { setStage } from './support/commands.ts'
import { runCauseway } from './support/gateway.ts'

test('causeway token new: at once, on record, and in no file where that is wished', async () => {
  await using stage = await setStage()
  const { gateway, dir } = stage
  const data = join(dir, 'data')
  const kept = join(data, 'api.token')
  const status = async (token: string): Promise<number> =>
    (await fetch(`${stage.gateway.url}/v1/directory`, { headers: { authorization: `Bearer ${token}` } })).status
  const run = (...args: string[]) => runCauseway(['--data', data, ...args])
  assert.equal(await status(gateway.token), 200)

  const first = await run('token', 'new')
  assert.deepEqual([first.code, first.out], [0, `a new token stands in ${kept}\n`], first.err)
  const second = readFileSync(kept, 'utf8').trim()
  assert.notEqual(second, gateway.token)
  assert.deepEqual([await status(gateway.token), await status(second)], [401, 200])
  assert.equal((await run('directory', 'list')).code, 0)

  const shown = await run('token', 'new', '--print')
  const third = shown.out.trim()
  assert.match(third, /^[\w-]{43}$/, shown.err)
  assert.equal(existsSync(kept), false)
  assert.deepEqual([await status(second), await status(third)], [401, 200])
  const without = await run('directory', 'list')
  assert.equal(without.code, 3)
  assert.match(without.err, /cannot read .*api\.token; .*--token-file.*causeway token new/)
  const mine = join(dir, 'my.token')
  writeFileSync(mine, `${third}\n`, { mode: 0o600 })
  assert.equal((await run('--token-file', mine, 'directory', 'list')).code, 0)
  writeFileSync(mine, `${second}\n`)
  const stale = await run('directory', 'list', '--token-file', mine)
  assert.equal(stale.code, 3)
  assert.match(stale.err, /the token is missing or wrong.*causeway token new/)

  writeFileSync(mine, third)
  const audit = await run('audit', '--token-file', mine)
  assert.equal(audit.out.match(/token\.new/g)?.length, 2, audit.out + audit.err)
  assert.equal((await run('audit', '--verify', '--token-file', mine)).code, 0)

  await stage.restart()
  assert.equal(existsSync(kept), false, 'a start brings none back')
  assert.equal(await status(third), 200)
  const tokens = [gateway.token, second, third].map((token, i) => canary(`token ${i + 1}`, token))
  for (const name of readdirSync(data)) assert.deepEqual(found(tokens, readFileSync(join(data, name))), [], name)
})

test('a folder where no gateway has been has no token to exchange', async () => {
  await using stage = await setStage()
  const none = await runCauseway(['token', 'new', '--data', join(stage.dir, 'nowhere')])
  assert.equal(none.code, 3)
  assert.match(none.err, /no gateway has been started in .*nowhere yet/)
  assert.equal(existsSync(join(stage.dir, 'nowhere')), false)
})
