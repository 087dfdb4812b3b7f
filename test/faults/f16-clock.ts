/** F16: the clock of the machine jumps, forwards and backwards, while the program runs. Nobody's mail comes back for it. */
import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { balance, releaseAll, totals } from './queue-client.ts'
import { type Stage, setStage } from './stage.ts'

const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')

export const f16: Fault = {
  id: 'F16',
  title: 'clock jumps',
  cannot: () => (library === undefined ? 'not here: libfaketime (package libfaketime)' : undefined),
  run,
}

const jumps = ['-2d', '+3h', '+10d', '-1d', '+0']

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage({ tenants: ['fabrikam', 'northwind'], project: { shared: 'hold' } })
  const checks = makeChecks()
  const clock = join(stage.dir, 'clock')
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  writeFileSync(clock, '+0\n')
  const served = await stage.start({ env })
  stage.hop('northwind').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  let n = 0
  const send = async (): Promise<void> => {
    n += 1
    // One is held, one waits, one goes through.
    for (const to of [`held${n}@shared.example`, `late${n}@northwind.example`, `now${n}@fabrikam.example`]) {
      const letter = stage.ledger.write({ from: 'a@contoso.example', to: [to] })
      const { reply } = await stage.sender().send(letter)
      checks.must(reply.startsWith('250'), `${to}: the sender was told ${JSON.stringify(reply)}`)
    }
  }
  await send()
  for (const jump of isShort ? jumps.slice(0, 3) : [...jumps, ...jumps, ...jumps]) {
    writeFileSync(clock, `${jump}\n`)
    await sleep(isShort ? 700 : 5000)
    await send()
    await nothingExpired(stage, n, checks.must, jump)
    say(jump)
  }
  // Ten days later, after a restart: what waited this long is tried before anybody gives up on it.
  writeFileSync(clock, '+10d\n')
  stage.hop('northwind').behave(undefined)
  await stage.kill()
  await stage.start({ env })
  await nothingExpired(stage, n, checks.must, 'a restart ten days later', true)
  await stage.drain()
  await releaseAll(stage.served)
  await stage.drain()
  const count = await stage.count()
  checks.must(count.returned === 0, `${count.returned} were returned`)
  checks.must(!served.log().includes('ERR_'), 'the log tells of errors')
  const broken = [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))]
  return { count, did: `${isShort ? 3 : 3 * jumps.length} jumps and a restart ten days later`, broken }
}

async function nothingExpired(
  { served }: Stage,
  n: number,
  must: (holds: boolean, sentence: string) => void,
  when: string,
  mayBeDelivered = false,
): Promise<void> {
  const now = await totals(served)
  if (now === undefined) return
  must(now.held === n, `${when}: ${now.held} held, ${n} expected`)
  must(mayBeDelivered || now.waiting + now.running === n, `${when}: ${now.waiting} waiting, ${n} expected`)
  must(now.returned === 0, `${when}: ${now.returned} returned`)
}
