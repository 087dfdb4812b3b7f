/**
 * Secrets stay where they are. A short run: what is planted in test/canary.test.ts in every place that has one is here the
 * secret header, the gateway's keys and the token, searched for after everything that the other families have done.
 */
import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Canary, canary, found } from '../support/canary.ts'
import { answers } from '../support/program.ts'
import { all, type Family, type Try } from './attack.ts'
import { content, makeMark } from './letters.ts'
import { type Stage, secretHeader, sharedStage, wordFor } from './stage.ts'

export const secrets: Family = {
  name: 'secrets',
  title: 'no secret leaves, at rest or at run time (T11, T12)',
  async run({ attempt }) {
    const stage = await sharedStage()
    const { canaries, held } = await plant(stage)
    for (const [place, read] of Object.entries(places(stage)))
      await attempt(`secrets in ${place}`, 'none, in any encoding', async () => {
        const seen = found(canaries, await read())
        return all('none', [seen.length === 0, `found: ${seen.join(', ')}`])
      })
    await attempt('a message with the right secret, kept in the queue', 'kept', async () => ({
      held: held.startsWith('250'),
      happened: held,
    }))
    await signal(stage, attempt)
  },
}

/** What must not be found, and one more message that has it: kept on the disk, as the domain is on hold. */
async function plant(stage: Stage): Promise<{ readonly canaries: readonly Canary[]; readonly held: string }> {
  const key = (name: string): Buffer =>
    createPrivateKey(readFileSync(join(stage.dir, name))).export({ type: 'pkcs8', format: 'der' })
  const top = `${secretHeader}: ${stage.secret}\r\n${wordFor('contoso')}`
  const text = content({ mark: makeMark(), from: 'john@contoso.example', to: 'x@held.example', top })
  const { reply } = await stage.send(stage.contoso, {
    from: '<john@contoso.example>',
    to: ['<x@held.example>'],
    content: text,
  })
  await stage.ask('POST', '/v1/dkim/shared.example')
  const canaries = [
    canary('the secret header', stage.secret),
    canary('the key of the gateway', key('gw.key').subarray(-48)),
    canary('the DKIM key', key('shared.key').subarray(300, 348)),
    canary('the token', stage.gateway.token),
  ]
  return { canaries, held: reply }
}

/** The token itself lies in a file of its own, for whoever may read the data folder. */
const own = new Set(['api.token'])

const places = (stage: Stage): Readonly<Record<string, () => Promise<Buffer>>> => {
  const asked = (path: string) => async () => Buffer.from((await stage.ask('GET', path)).text)
  const proc = (file: string) => async () =>
    Buffer.concat(pidsOf(stage).map((pid) => readFileSync(`/proc/${pid}/${file}`)))
  return {
    'the log': async () => Buffer.from(stage.gateway.log()),
    'the trace': asked('/v1/trace?limit=10000'),
    'the exported trace': asked('/v1/trace.csv?limit=10000'),
    'the exported project': asked('/v1/project'),
    'the audit': asked('/v1/audit?limit=1000'),
    'the queue': asked('/v1/queue'),
    'the list of secrets': asked('/v1/secrets'),
    'the figures': asked('/metrics'),
    'the data folder': async () => Buffer.concat(filesBelow(join(stage.dir, 'data')).map((file) => readFileSync(file))),
    'the environment of the process': proc('environ'),
    'the command line of the process': proc('cmdline'),
    'what next hops got': async () =>
      Buffer.from(
        Object.values(stage.sinks)
          .flatMap(({ arrivals }) => arrivals.map(({ raw }) => raw))
          .join(''),
        'latin1',
      ),
  }
}

const filesBelow = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !own.has(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))

/** The program of this stage: who has its data folder in his command line. */
const pidsOf = (stage: Stage): readonly string[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name).includes(stage.gateway.data))

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended
  }
}

async function signal(stage: Stage, attempt: Try): Promise<void> {
  const port = 9229
  await attempt('SIGUSR1 to the process', 'no debugger on port 9229', async () => {
    if (await answers('127.0.0.1', port)) return { held: true, happened: 'somebody else has port 9229: not tried' }
    for (const pid of pidsOf(stage)) process.kill(Number(pid), 'SIGUSR1')
    await sleep(500)
    const isOpen = await answers('127.0.0.1', port)
    const { status } = await stage.ask('GET', '/v1/health')
    return all(
      'nothing listens, and it goes on',
      [!isOpen, 'a debugger listens'],
      [status === 200, `health: ${status}`],
    )
  })
  await attempt('__proto__ in the process', 'does not exist', async () => {
    const flags = pidsOf(stage).map((pid) => commandOf(pid).split('\0'))
    const held = flags.length > 0 && flags.every((args) => args.includes('--disable-proto=delete'))
    return { held, happened: `${flags.length} process with --disable-proto=delete` }
  })
  await attempt('core dumps', 'none', async () => {
    const limits = pidsOf(stage).map(
      (pid) => /Max core file size\s+(\S+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1],
    )
    return { held: limits.length > 0 && limits.every((limit) => limit === '0'), happened: `limit ${limits.join()}` }
  })
}
