/** `causeway domain`: the domains that the project serves. */
import type { Command } from 'commander'
import { z } from 'zod'
import { domainModeSchema } from '../api/api.ts'
import { escapeText } from '../trace/trace.ts'
import { connect } from './client.ts'
import { addAttempts } from './domain-attempts.ts'
import { addRelease } from './domain-release.ts'
import { some } from './figures.ts'
import { type CliParts, jsonText, type Run, shared, table } from './io.ts'

const domain = z.object({ name: z.string(), mode: z.string(), unknown: z.string(), dkim: z.string().optional() })
const record = z.object({
  name: z.string(),
  type: z.string(),
  wanted: z.string(),
  seen: z.array(z.string()),
  state: z.string(),
  remark: z.string(),
})

export function domainCommand(program: Command, parts: CliParts, run: Run): void {
  const { io } = parts
  const group = program.command('domain').description('the domains that the project serves')

  const list = group.command('list').description('show them')
  list.action(() =>
    run(async () => {
      const { at, json } = shared(list)
      const { domains } = await connect(at).get('/v1/domains', z.object({ domains: z.array(domain) }))
      const rows = domains.map((d) => [d.name, d.mode, d.unknown, d.dkim ?? '-'])
      io.out(json ? jsonText(domains) : table([['DOMAIN', 'MODE', 'UNKNOWN RECIPIENTS', 'DKIM SELECTOR'], ...rows]))
      return 0
    })(),
  )

  const what = {
    open: 'let its mail pass',
    hold: 'keep its mail until it is released',
    'retry-later': 'ask senders to come back',
  }
  for (const [mode, text] of Object.entries(what)) {
    const command = group.command(mode).description(text).argument('<name>')
    command.action((name: string) =>
      run(async () => {
        const { at, json } = shared(command)
        const path = `/v1/domains/${encodeURIComponent(name)}/mode`
        const done = await connect(at).send('PUT', path, { mode }, domainModeSchema)
        io.out(json ? jsonText(done, 0) : modeText(done))
        return 0
      })(),
    )
  }

  addRelease(group, parts, run)
  addAttempts(group, parts, run)

  const dns = group.command('dns').description('records wanted, and records seen').argument('<name>')
  dns.action((name: string) =>
    run(async () => {
      const { at, json } = shared(dns)
      const { records } = await connect(at).get(
        `/v1/domains/${encodeURIComponent(name)}/dns`,
        z.object({ records: z.array(record) }),
      )
      io.out(json ? jsonText(records) : records.map(recordText).join('\n'))
      return records.every((r) => r.state === 'right') ? 0 : 1
    })(),
  )
}

/** Whoever opens a domain thinks of new mail; what was held before is easily forgotten. */
function modeText({ name, mode, held, isAtLeast, release }: z.infer<typeof domainModeSchema>): string {
  const count = `${some(held, 'recipient')}${isAtLeast ? ' and more' : ''}`
  const order = `causeway domain release ${name}`
  const still = held === 0 || mode === 'hold' ? [] : [`${count} still held${release === 'none' ? `: ${order}` : ''}`]
  const going = {
    none: [],
    ended: ['the release that was going on has ended'],
    standing: [`a release is going on: ${order} --status`],
  }
  return `${[`${name} is in mode ${mode}`, ...still, ...going[release]].join('; ')}\n`
}

function recordText(r: z.infer<typeof record>): string {
  const seen = r.seen.length === 0 ? ['nothing'] : r.seen
  const lines = [
    `${r.state.padEnd(9)} ${r.type} ${r.name}`,
    `  wanted  ${r.wanted}`,
    ...seen.map((text) => `  seen    ${escapeText(text)}`),
    `  ${r.remark}`,
  ]
  return `${lines.join('\n')}\n`
}
