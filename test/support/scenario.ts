/**
 * What the scenarios share: a folder with a project file and messages becomes a stage with addresses, certificates and a
 * place for files, and everything that was put on it is taken away in the end.
 *
 * A server has a loopback address of its own, so that each of them listens on port 25 (and the name server on 53) as in
 * life. `${name}` in a project file is the address of `name`.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ca, type Issued, issue, makeCa } from './certificates.ts'
import type { Gateway } from './gateway.ts'
import { ownNetwork } from './ports.ts'

export type Certified = {
  /** PEM files: the chain, the key, and both in one as Postfix wants them. */
  readonly cert: string
  readonly key: string
  readonly both: string
  /** SHA-256 of the certificate, as Postfix writes it. */
  readonly fingerprint: string
}

export type Scenario = AsyncDisposable & {
  /** A temporary folder that servers under other accounts can enter. */
  readonly dir: string
  readonly ca: Ca
  /** The loopback address of a server. */
  host(name: string): string
  /** A certificate of the test's authority, as files NAME.crt, NAME.key and NAME.pem beside the project file. */
  certify(name: string, ...names: readonly string[]): Certified
  write(name: string, issued: Issued): Certified
  /** Puts the project file, and what lies beside it, into `dir`. Its path. */
  project(name?: string): string
  /** Path of a message that goes in. */
  message(name: string): string
  /** Compares what arrived with the file of that name in `out/`. */
  sameAs(name: string, arrived: string): void
  /** Ends with the scenario, the last one first. */
  keep<T extends { stop(): Promise<unknown> }>(started: T | Promise<T>): Promise<T>
}

export function openScenario(folder: string): Scenario {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-'))
  chmodSync(dir, 0o755)
  const stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const ca = makeCa()
  writeFileSync(join(dir, 'ca.pem'), ca.cert)
  const host = addresses()
  const write = (name: string, issued: Issued): Certified => writeCertificate(join(dir, name), issued)
  return {
    dir,
    ca,
    host,
    write,
    certify: (name, ...names) => write(name, issue({ ca, names })),
    project: (name = 'project.yaml') => fillIn(folder, dir, name, host),
    message: (name) => join(folder, 'in', name),
    sameAs: (name, arrived) => sameAs(join(folder, 'out', name), arrived, host),
    async keep(started) {
      const kept = await started
      stack.defer(async () => void (await kept.stop()))
      return kept
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** In a network of this run's own, so that runs side by side do not meet. */
function addresses(): (name: string) => string {
  const network = ownNetwork()
  const known = new Map<string, string>()
  return (name) => {
    const address = known.get(name) ?? `${network}.${known.size + 1}`
    known.set(name, address)
    return address
  }
}

function writeCertificate(path: string, { chain, key, der }: Issued): Certified {
  const files = { cert: `${path}.crt`, key: `${path}.key`, both: `${path}.pem` }
  writeFileSync(files.cert, chain)
  writeFileSync(files.key, key, { mode: 0o600 })
  writeFileSync(files.both, key + chain, { mode: 0o600 })
  const digest = createHash('sha256').update(der).digest('hex').toUpperCase()
  return { ...files, fingerprint: digest.match(/../g)?.join(':') ?? '' }
}

function fillIn(folder: string, dir: string, name: string, host: (name: string) => string): string {
  cpSync(folder, dir, {
    recursive: true,
    filter: (from) => !/\/(?:in|out)$|\.test\.ts$/.test(from.slice(folder.length)),
  })
  const text = readFileSync(join(folder, name), 'utf8')
  writeFileSync(
    join(dir, name),
    text.replaceAll(/\$\{(\w+)\}/g, (_, server: string) => host(server)),
  )
  return join(dir, name)
}

/** Fields of a message that differ from run to run; what they say is looked at where it matters. */
const changing = /^(?:arc-[a-z-]+|received|dkim-signature|x-causeway-pass|x-original-to|delivered-to):/i

/**
 * The file shows the message as it arrived, without the fields that differ from run to run. With WRITE_EXPECTED=1 in the
 * environment it is written instead; look at the difference before you commit it.
 */
function sameAs(file: string, arrived: string, host: (name: string) => string): void {
  const text = arrived.replaceAll('\r\n', '\n')
  const end = text.indexOf('\n\n')
  const fields = text.slice(0, end).split(/\n(?![ \t])/)
  const steady = fields
    .filter((field) => !changing.test(field))
    .map((field) => field.replaceAll(/header\.b=[^;\s]+/g, 'header.b=...'))
  const shown = `${steady.join('\n')}${text.slice(end)}`.replaceAll(host('outside'), '${outside}')
  if (process.env['WRITE_EXPECTED'] === '1') writeFileSync(file, shown, 'latin1')
  assert.equal(shown, readFileSync(file, 'latin1'), `what arrived is not what ${file} says`)
}

/** What begins or ends an account. */
const counted: ReadonlySet<string> = new Set(['RECEIVE', 'SEND', 'FAIL', 'REJECT', 'DEFER'])

export type Ledger = { readonly sent: number; readonly refused: number; readonly deferred: number }

/**
 * Counts by the trace: every recipient of every message that was ever taken up has an end, and nobody has two copies.
 * `deferred` are those whose last word was 4xx.
 */
export async function settleAccounts(gateway: Gateway): Promise<Ledger> {
  const accounts = new Map<string, { received: number; sent: number; refused: number; deferred: number }>()
  const account = (messageId: string, recipient: string) => {
    const key = `${messageId} to ${recipient}`
    const found = accounts.get(key) ?? { received: 0, sent: 0, refused: 0, deferred: 0 }
    accounts.set(key, found)
    return found
  }
  for (const event of await gateway.events()) {
    if (event.messageId === undefined || !counted.has(event.kind)) continue
    const given = event.old === undefined ? (event.recipients ?? []) : [event.old]
    for (const recipient of given) {
      const one = account(event.messageId, recipient)
      if (event.kind === 'RECEIVE') one.received += 1
      if (event.kind === 'SEND') one.sent += 1
      if (event.kind === 'FAIL' || event.kind === 'REJECT') one.refused += 1
      if (event.kind === 'DEFER') one.deferred += 1
    }
  }
  const total = { sent: 0, refused: 0, deferred: 0 }
  for (const [who, one] of accounts) {
    assert.ok(one.sent <= 1, `${who}: sent ${one.sent} times`)
    assert.ok(one.sent + one.refused + one.deferred > 0, `${who}: taken up, and then nothing`)
    if (one.sent > 0) total.sent += 1
    else if (one.refused > 0) total.refused += 1
    else total.deferred += 1
  }
  return total
}
