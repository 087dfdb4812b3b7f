/** The same by hands that are not ours: nmap's open relay test, smtpsmug, testssl.sh. What they print is kept by `--out`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryRoot } from '../../tools/source-tree.ts'
import { all, type Family, type RunOptions, type Seen } from './attack.ts'
import { type Stage, sharedStage } from './stage.ts'

export const others: Family = {
  name: 'others',
  title: 'nmap smtp-open-relay, smtpsmug, testssl.sh',
  async run(o) {
    const stage = await sharedStage()
    await nmap(stage, o)
    await smtpsmug(stage, o)
    if (!o.isShort) await testssl(stage, o)
  },
}

const folders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin']
const has = (program: string): boolean => folders.some((folder) => existsSync(join(folder, program)))

type Ran = { readonly code: number | null; readonly out: string }

/** To its end, while our own servers go on. */
async function run(argv: readonly string[], timeoutMs: number): Promise<Ran> {
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    env: { PATH: folders.join(':'), LC_ALL: 'C.UTF-8', HOME: tmpdir(), PYTHONUNBUFFERED: '1' },
  })
  const said: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  await once(child, 'close')
  return { code: child.exitCode, out: Buffer.concat(said).toString() }
}

/** A test that cannot be made is no success; on CI it is a failure. */
const absent = (program: string, debian: string): Seen => ({
  held: process.env['CI'] !== 'true',
  happened: `not tried: apt-get install -y --no-install-recommends ${debian} brings ${program}`,
})

async function nmap(stage: Stage, { attempt, keep }: RunOptions): Promise<void> {
  await attempt('nmap --script smtp-open-relay', "doesn't seem to be an open relay", async () => {
    if (!has('nmap')) return absent('nmap', 'nmap')
    const argv = ['nmap', '-n', '-Pn', '--script', '+smtp-open-relay', '-p', `${stage.port}`, '127.0.0.1']
    const { out } = await run(argv, 120_000)
    keep('nmap.txt', `${argv.join(' ')}\n\n${out}`)
    const said = /smtp-open-relay:\s*(.*)/.exec(out)?.[1] ?? out
    return { held: said.includes("doesn't seem to be an open relay"), happened: said.trim() }
  })
}

const smugPath = join(repositoryRoot, 'test/border/third-party/smtpsmug/smtpsmug')
const smugTests = [
  'lflf',
  'crcr',
  'crlf',
  'lfcr',
  'lfcrlf',
  'crlflf',
  'crcrlf',
  'crlfcr',
  'nullbefore',
  'nullafter',
  'pipelining',
]

async function smtpsmug(stage: Stage, { attempt, keep }: RunOptions): Promise<void> {
  if (!has('python3'))
    return attempt('smtpsmug', 'no sequence ends a message', async () => absent('python3', 'python3'))
  const target = ['-f', 's@away.example', '-t', 'john@shared.example', '--port', `${stage.port}`, '127.0.0.1']
  // It waits five seconds for an answer that must not come: all at once.
  const ran = await Promise.all(smugTests.map((name) => run(['python3', smugPath, '-c', name, ...target], 60_000)))
  keep('smtpsmug.txt', ran.map(({ out }, i) => `$ smtpsmug -c ${smugTests[i] ?? ''}\n${plain(out)}`).join('\n'))
  for (const [i, name] of smugTests.entries())
    await attempt(`smtpsmug -c ${name}`, name === 'pipelining' ? 'rejected' : 'not taken for the end', async () => {
      const { code, out } = ran[i] ?? { code: null, out: '' }
      const verdict =
        plain(out)
          .trim()
          .split('\n')
          .findLast((line) => /accepted|rejects|accepts|Received timeout|appears/.test(line)) ?? plain(out)
      return all(
        verdict,
        [code === 0, `exit ${code}: ${plain(out).slice(-200)}`],
        [!/was accepted \(bad/.test(out) && !/accepts bad protocol/.test(out), verdict],
      )
    })
}

// oxlint-disable-next-line no-control-regex -- colours of a terminal
const plain = (text: string): string => text.replaceAll(/\x1b\[[0-9;]*m/g, '')

type Finding = { readonly id: string; readonly severity: string; readonly finding: string }

/** Our certificate is the lab's, so what is said of its chain, its dates and its revocation says nothing. */
const ofTheCertificate = /^cert|^DNS_CAArecord|^OCSP|chain_of_trust|^scanTime|^engine_problem|^overall_grade|grade_cap/

async function testssl(stage: Stage, { attempt, keep }: RunOptions): Promise<void> {
  if (!has('testssl'))
    return attempt('testssl.sh', 'nothing above INFO', async () => absent('testssl.sh', 'testssl.sh'))
  const dir = mkdtempSync(join(tmpdir(), 'causeway-testssl-'))
  const json = join(dir, 'findings.json')
  const how = [
    '--starttls',
    'smtp',
    '--warnings',
    'off',
    '--nodns',
    'none',
    '--color',
    '0',
    '--quiet',
    '--openssl-timeout',
    '10',
  ]
  const { out } = await run(['testssl', ...how, '--jsonfile', json, `127.0.0.1:${stage.port}`], 590_000)
  keep('testssl.txt', plain(out))
  const text = existsSync(json) ? readFileSync(json, 'utf8') : '[]'
  keep('testssl.json', text)
  rmSync(dir, { recursive: true, force: true })
  const findings = JSON.parse(text) as readonly Finding[]
  const groups: Readonly<Record<string, readonly [expected: string, ids: RegExp]>> = {
    'protocols below TLS 1.2': ['not offered', /^(?:SSLv2|SSLv3|TLS1|TLS1_1)$/],
    'TLS 1.2 and TLS 1.3': ['offered', /^(?:TLS1_2|TLS1_3)$/],
    'weak ciphers': ['not offered', /^cipherlist_(?:NULL|aNULL|EXPORT|LOW|3DES_IDEA)$/],
  }
  for (const [name, [expected, ids]] of Object.entries(groups))
    await attempt(`testssl.sh: ${name}`, expected, async () => {
      const mine = findings.filter(({ id }) => ids.test(id))
      const bad = mine.filter(({ finding }) =>
        expected === 'offered' ? !finding.startsWith('offered') : !finding.startsWith('not offered'),
      )
      return all(
        mine.map(({ id, finding }) => `${id} ${finding}`).join('; '),
        [mine.length > 1, out.slice(-300)],
        [bad.length === 0, told(bad)],
      )
    })
  await attempt('testssl.sh: everything else but the certificate', 'nothing of MEDIUM or worse', async () => {
    const worth = findings.filter(
      ({ id, severity }) => !['OK', 'INFO'].includes(severity) && !ofTheCertificate.test(id),
    )
    // LOW: CBC with SHA-2, offered last, for servers of Exchange's older versions.
    const bad = worth.filter(({ severity }) => !['LOW', 'WARN'].includes(severity))
    return all(
      `${findings.length} findings; ${told(worth)}`,
      [findings.length > 50, out.slice(-300)],
      [bad.length === 0, told(bad)],
    )
  })
}

const told = (findings: readonly Finding[]): string =>
  findings.map(({ id, severity, finding }) => `${id} ${severity}: ${finding}`).join('; ')
