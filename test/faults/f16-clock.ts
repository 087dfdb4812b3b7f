/**
 * F16: the clock of the machine jumps, forwards and backwards, while the program runs. Nobody's mail comes back for it, and
 * each signature is as old as the attempt that carries it, however long its message has waited.
 */
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

/** What contoso sends to the outside is signed; the key is made at the start. */
const signed = '  - { name: contoso.example, dkim: { selector: cw1 } }\n'

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage({
    tenants: ['fabrikam', 'northwind'],
    outside: true,
    project: { shared: 'hold', domains: signed },
  })
  const checks = makeChecks()
  const signatures = new Signatures()
  const clock = join(stage.dir, 'clock')
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  const turn = (jump: string): void => {
    writeFileSync(clock, `${jump}\n`)
    signatures.ahead = secondsOf(jump)
  }
  turn('+0')
  const served = await stage.start({ env })
  stage.hop('northwind').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  stage.hop('outside').behave(({ step, line, beginning }) => {
    if (step === 'dot') signatures.look(beginning())
    return step === 'RCPT' && line.includes('<wait') ? '451 4.3.0 not now' : undefined
  })
  let n = 0
  const send = async (): Promise<void> => {
    n += 1
    // One is held, two wait, two go through; the outside gets signatures.
    for (const to of [
      `held${n}@shared.example`,
      `late${n}@northwind.example`,
      `wait${n}@partner.example`,
      `now${n}@fabrikam.example`,
      `out${n}@partner.example`,
    ]) {
      const letter = stage.ledger.write({ from: 'a@contoso.example', to: [to] })
      const { reply } = await stage.sender().send(letter)
      checks.must(reply.startsWith('250'), `${to}: the sender was told ${JSON.stringify(reply)}`)
    }
  }
  await send()
  for (const jump of isShort ? jumps.slice(0, 3) : [...jumps, ...jumps, ...jumps]) {
    turn(jump)
    await sleep(isShort ? 700 : 5000)
    await send()
    await nothingExpired(stage, n, checks.must, jump)
    say(jump)
  }
  // Ten days later, after a restart: what waited this long is tried before anybody gives up on it.
  turn('+10d')
  stage.hop('northwind').behave(undefined)
  stage.hop('outside').behave(({ step, beginning }) => {
    if (step === 'dot') signatures.look(beginning())
    return undefined
  })
  await stage.kill()
  await stage.start({ env })
  await nothingExpired(stage, n, checks.must, 'a restart ten days later', true)
  await stage.drain()
  await wellAgain()
  await releaseAll(stage.served)
  await stage.drain()
  const count = await stage.count()
  checks.must(count.returned === 0, `${count.returned} were returned`)
  checks.must(!served.log().includes('ERR_'), 'the log tells of errors')
  checks.must(signatures.seen === 2 * n, `${signatures.seen} signatures arrived, ${2 * n} expected`)
  checks.must(signatures.worst <= 60, `a signature was ${signatures.worst} s off the clock of its attempt`)
  checks.must(
    signatures.lifetimes.size === 1,
    `x= is not always as long after t=: ${[...signatures.lifetimes].join(', ')} s`,
  )
  const broken = [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))]
  return {
    count,
    did: `${isShort ? 3 : 3 * jumps.length} jumps and a restart ten days later`,
    measured: `${signatures.seen} signatures, t= at most ${signatures.worst} s off, x= ${[...signatures.lifetimes].join(' or ')} s after it`,
    broken,
  }

  /** What came while the clock was ten days ahead leaves when it is right again: with the time of now, not of then. */
  async function wellAgain(): Promise<void> {
    stage.hop('outside').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
    await send()
    turn('+0')
    await sleep(100)
    stage.hop('outside').behave(({ step, beginning }) => {
      if (step === 'dot') signatures.look(beginning())
      return undefined
    })
    await stage.drain()
  }
}

/** `+10d` as seconds. */
function secondsOf(jump: string): number {
  const [, count = '0', unit = 's'] = /^([+-]\d+)([dh]?)$/.exec(jump) ?? []
  return Number(count) * ({ d: 86_400, h: 3600 }[unit] ?? 1)
}

/** DKIM (RFC 6376 section 3.5) against the clock as the program sees it. */
class Signatures {
  /** Of the clock of this machine. */
  ahead = 0
  seen = 0
  worst = 0
  readonly lifetimes = new Set<number>()

  look(message: string): void {
    const [field = ''] = /^DKIM-Signature:(?:.|\r\n[ \t])*/im.exec(message) ?? []
    const at = Number(/\bt=(\d+)/.exec(field)?.[1])
    const until = Number(/\bx=(\d+)/.exec(field)?.[1])
    if (Number.isNaN(at)) return
    this.seen += 1
    this.worst = Math.max(this.worst, Math.abs(Math.round(Date.now() / 1000 + this.ahead - at)))
    this.lifetimes.add(until - at)
  }
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
  must(mayBeDelivered || now.waiting + now.running === 2 * n, `${when}: ${now.waiting} waiting, ${2 * n} expected`)
  must(now.returned === 0, `${when}: ${now.returned} returned`)
}
