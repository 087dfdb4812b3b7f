/** `causeway explain`: what would happen to a message, and why. Local with --project; else the running gateway is asked. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { existingKeys, explainAnswerSchema } from '../api/api.ts'
import { makeResolver } from '../dns/dns.ts'
import { loadProject, problemText } from '../project/project.ts'
import { type Ask, askExplanation, type Explanation } from '../relay/explain/explain.ts'
import { connect } from './client.ts'
import { explanationText } from './explanation-text.ts'
import { type CliParts, type GatewayPlace, jsonText, type Run, readInput, Stop, shared } from './io.ts'
import { keyFileOption, vaultIn } from './vault.ts'

type Options = {
  from: string
  to: string[]
  peer?: string
  message?: string
  out?: string
  project?: string
  dns?: boolean
  client?: string
  helo?: string
  keyFile?: string
}
type Answer = { readonly explanation: Explanation; readonly copies: readonly Buffer[] }

export function explainCommand(program: Command, { io }: CliParts, run: Run): void {
  const command = program
    .command('explain')
    .description('what would happen to this message and why')
    .requiredOption('--from <address>', "envelope sender; '<>' is the null sender")
    .requiredOption('--to <address...>', 'envelope recipients')
    .option(
      '--peer <peer>',
      "tenant:NAME or internet; default: the tenant that has the sender's domain, else the internet",
    )
    .option('--message <file>', 'the message; default: a plain one')
    .option('--out <dir>', 'write each outgoing copy there as it would leave: 1.eml, 2.eml, ...')
    .option('--project <file>', 'explain by this project file, without a gateway (local)')
    .addOption(keyFileOption())
    .option('--dns', 'ask for the MX of what goes out directly, and where mail from the internet comes from')
    .option('--client <address>', 'mail from the internet comes from this address; SPF is left out without it')
    .option('--helo <name>', 'and says this name in EHLO, which SPF asks about for the null sender')

  command.action((options: Options) =>
    run(async () => {
      const { at, json } = shared(command)
      const answer =
        options.project === undefined ? await remote(at, options) : await local(options.project, at, options)
      const explanation = withFiles(answer, options.out)
      io.out(json ? jsonText(asJson(explanation)) : explanationText(explanation))
      return explanation.refused === undefined ? 0 : 1
    })(),
  )
}

/** One list of reasons, so that the shape is the one that docs/flow.md promises. */
function asJson({ deliveries, reasons, ...rest }: Explanation) {
  return {
    ...rest,
    deliveries: deliveries.map(({ reasons: _, ...delivery }) => delivery),
    reasons: [...reasons, ...deliveries.flatMap((d, i) => d.reasons.map((reason) => `copy ${i + 1}: ${reason}`))],
  }
}

function askOf(options: Options): Ask {
  const message = options.message === undefined ? {} : { message: readInput(options.message) }
  return {
    from: options.from,
    to: options.to,
    ...message,
    ...(options.peer === undefined ? {} : { peer: options.peer }),
    ...(options.client === undefined ? {} : { client: options.client }),
    ...(options.helo === undefined ? {} : { helo: options.helo }),
  }
}

/** On a project file alone. The pass is sealed with a key of the moment; no gateway will know it. */
async function local(file: string, { data }: GatewayPlace, options: Options): Promise<Answer> {
  using vault = vaultIn(data, options.keyFile)
  const loaded = loadProject(file, vault.secrets)
  if (!loaded.ok) throw new Stop(2, loaded.problems.map(problemText).join('\n'))
  const resolver = options.dns === true ? { resolver: makeResolver({}) } : {}
  const keys = existingKeys(vault.keys)
  const parts = { project: loaded.value, keys, passKey: randomBytes(32), now: new Date(), ...resolver }
  const asked = await askExplanation(askOf(options), parts)
  if (!asked.ok) throw new Stop(2, asked.why)
  return { explanation: asked.explanation, copies: asked.copies.map((pieces) => Buffer.concat(pieces)) }
}

async function remote(at: GatewayPlace, options: Options): Promise<Answer> {
  const { message, ...ask } = askOf(options)
  const body = {
    ...ask,
    dns: options.dns === true,
    ...(message === undefined ? {} : { message: message.toString('base64') }),
  }
  const answer = await connect(at).send('POST', '/v1/explain', body, explainAnswerSchema)
  return { explanation: answer.explanation, copies: answer.copies.map((copy) => Buffer.from(copy, 'base64')) }
}

/** QUIRK: mkdir with `recursive` never ends where the system answers ENOENT for a new folder, as /proc does (Node 24). */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return
  makeFolder(dirname(dir))
  mkdirSync(dir)
}

/** Writes the copies, when a folder was named, and says in the explanation where they are. */
function withFiles({ explanation, copies }: Answer, dir: string | undefined): Explanation {
  if (dir === undefined) return explanation
  const files = copies.map((_, i) => join(dir, `${i + 1}.eml`))
  try {
    makeFolder(resolve(dir))
    files.forEach((file, i) => writeFileSync(file, copies[i] ?? ''))
  } catch (error) {
    throw new Stop(2, `cannot write into ${dir}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const deliveries = explanation.deliveries.map((delivery, i) => ({
    ...delivery,
    ...(files[i] === undefined ? {} : { file: files[i] }),
  }))
  return { ...explanation, deliveries }
}
