/** `causeway cert`: is this file good as a tenant's certificate? (local) */
import type { Command } from 'commander'
import { domainKey } from '../mail/address/address.ts'
import { checkCertificate, type Point, readBundle, readCandidate } from '../secrets/certificate/certificate.ts'
import { escapeText } from '../trace/trace.ts'
import { type CliParts, jsonText, type Run, readInput, Stop, shared, table } from './io.ts'

type Options = { passwordFile?: string; domain?: string[]; until?: string; ca?: string }

export function certCommand(program: Command, { io }: CliParts, run: Run): void {
  const cert = program.command('cert').description('certificates of tenants')
  const check = cert
    .command('check')
    .description('what a tenant’s certificate must be like, point by point (local); exit code 1 when one fails')
    .argument('<file>', 'PFX, or PEM with certificate, chain and key')
    .option('--password-file <file>', 'file with the password; one final line end is not part of it')
    .option('--domain <domain>', 'accepted domain of the tenant; may be given several times', collect)
    .option('--until <date>', 'when the project ends: YYYY-MM-DD')
    .option('--ca <file>', 'PEM file with the authorities to trust; default: the public ones')
  check.action((file: string, options: Options) =>
    run(async () => {
      const points = judge(file, options)
      const isGood = points.every(({ verdict }) => verdict !== 'failure')
      io.out(shared(check).json ? jsonText({ file, ok: isGood, points }) : lines(points))
      return isGood ? 0 : 1
    })(),
  )
}

function judge(file: string, o: Options): readonly Point[] {
  const demand = { domains: (o.domain ?? []).map(readDomain), now: new Date() }
  const until = o.until === undefined ? {} : { until: readDay(o.until) }
  const roots = o.ca === undefined ? {} : { roots: readAuthorities(o.ca) }
  const password =
    o.passwordFile === undefined
      ? ''
      : readInput(o.passwordFile)
          .toString('utf8')
          .replace(/\r?\n$/, '')
  const read = readCandidate(readInput(file), password)
  if (!read.ok) return [{ point: 'file', verdict: 'failure', text: read.why, remedy: read.remedy }]
  return checkCertificate(read.candidate, { ...demand, ...until, ...roots })
}

const collect = (value: string, all: readonly string[] = []): string[] => [...all, value]

function readDomain(text: string): string {
  const key = domainKey(text)
  if (key === '') throw new Stop(2, `--domain takes a domain such as contoso.com, not ${JSON.stringify(text)}`)
  return key
}

/** The end of that day: a certificate that runs out at noon does not last until then. */
function readDay(text: string): Date {
  const date = new Date(`${text}T23:59:59Z`)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text))
    throw new Stop(2, `--until takes a day such as 2027-06-30, not ${JSON.stringify(text)}`)
  return date
}

function readAuthorities(file: string) {
  try {
    const roots = readBundle(readInput(file))
    if (roots.length > 0) return roots
  } catch (error) {
    if (error instanceof Stop) throw error
  }
  throw new Stop(2, `${file} holds no certificate in PEM form, or a broken one`)
}

/** What a certificate says of itself comes from outside. */
function lines(points: readonly Point[]): string {
  const rows = points.map(({ point, verdict, text }) => [verdict.toUpperCase(), point, escapeText(text)])
  const todo = points.flatMap(({ point, verdict, remedy }) =>
    verdict === 'pass' ? [] : [`${point}: ${escapeText(remedy)}\n`],
  )
  return table([['VERDICT', 'POINT', 'WHAT WAS FOUND'], ...rows]) + (todo.length === 0 ? '' : `\n${todo.join('')}`)
}
