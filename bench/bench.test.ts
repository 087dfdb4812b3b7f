// The benchmark's own parts: what it counts must be true before its speed means anything.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startChild } from './child.ts'
import { median, percentile } from './figures.ts'
import type { GeneratorQuestions } from './generator.ts'
import { makeKeys, pem } from './keys.ts'
import { body, head } from './letter.ts'
import { type Figures, measure } from './measure.ts'
import { readOptions } from './options.ts'
import { makeEndings } from './processes.ts'
import { losses, table } from './report.ts'
import { checkSamples, verifierIsMissing } from './samples.ts'
import type { SinkQuestions } from './sink.ts'
import { connect } from './smtp-client.ts'
import { chooseCells, sizes } from './work.ts'

const dir = mkdtempSync(join(tmpdir(), 'causeway-bench-test-'))
const endings = makeEndings()
endings.add(() => rmSync(dir, { recursive: true, force: true }))
after(endings.all)

const [plain] = chooseCells(['4k', 'c1', 'plain', 'up'])
const [secure] = chooseCells(['4k', 'tls', 'new'])
const [down] = chooseCells(['4k', 'c1', 'down'])
assert(plain !== undefined && secure !== undefined && down !== undefined)

/** A load generator and a next hop; the next hop itself stands for the measured server. */
async function direct(identity?: { readonly cert: string; readonly key: string }) {
  const generator = await startChild<GeneratorQuestions>('generator.ts', undefined)
  endings.add(generator.end)
  const sink = await startChild<SinkQuestions>('sink.ts', undefined)
  endings.add(sink.end)
  const { port } = await sink.ask('listen', identity === undefined ? {} : { identity })
  return {
    generator,
    sink,
    peer: { name: 'direct', port, roots: [process.pid], flush: async () => {}, end: async () => {} },
  }
}

test('every accepted message is counted once, and samples that were not rewritten are noticed', async (t) => {
  const { generator, sink, peer } = await direct()
  const { figures, samples } = await measure({ generator, sink, ca: undefined }, peer, plain, 0.3)
  assert.deepEqual([figures.lost, figures.doubled, figures.errors], [0, 0, {}])
  assert(figures.accepted > 10 && figures.perSecond > 10 && figures.p99Ms >= figures.p50Ms && figures.p50Ms > 0)
  assert.equal(samples.length, 3)
  const missing = await verifierIsMissing()
  if (missing !== undefined) return t.diagnostic(missing)
  const wrong = (await checkSamples(samples, '')).join('\n')
  for (const what of ['MAIL FROM', 'From', 'To', 'Cc', 'Reply-To', 'DKIM']) assert.match(wrong, new RegExp(`${what}: `))
})

test('with STARTTLS on a connection for each message', async () => {
  const keys = await makeKeys(dir)
  const { generator, sink, peer } = await direct({ cert: pem(keys.cert), key: pem(keys.key) })
  const { figures } = await measure({ generator, sink, ca: pem(keys.ca) }, peer, secure, 0.3)
  assert.deepEqual([figures.lost, figures.doubled, figures.errors], [0, 0, {}])
  assert(figures.accepted > 0 && figures.connectionsOut >= figures.accepted)
})

test('a next hop that was down is back where it was, and what it gets then is counted', async () => {
  const server = await direct()
  const { sink, peer } = await direct()
  await sink.ask('goDown', undefined)
  await assert.rejects(connect(peer.port, undefined), /ECONNREFUSED/)
  await sink.ask('comeBack', undefined)
  // What the server accepts is one thing, what comes out of it at the next hop another: here nothing does.
  const kept = { ...server.peer, flush: () => sendOne(peer.port, 0) }
  const { figures } = await measure(
    { generator: server.generator, sink, ca: undefined, patienceMs: 300 },
    kept,
    down,
    0.2,
  )
  assert(figures.accepted > 1 && figures.perSecond > 10 && figures.drain !== undefined)
  assert.equal(figures.lost, figures.accepted)
  assert(figures.doubled > 0)
})

test('a message that comes twice, and one that never comes, are told', async () => {
  const { sink, peer } = await direct()
  await sink.ask('begin', { run: 'r', keep: 0 })
  for (const number of [1, 1, 2]) await sendOne(peer.port, number)
  const { numbers } = await sink.ask('arrivals', undefined)
  assert.deepEqual(numbers, [1, 1, 2])
  const told = losses([{ ...nothing, accepted: 3, lost: 1, doubled: 1 }, nothing])
  assert.deepEqual(told, ['Causeway, 4k c1 plain kept up: of 3 accepted 1 lost, 1 doubled'])
})

async function sendOne(port: number, number: number): Promise<void> {
  const client = await connect(port, undefined)
  await client.send({ mailFrom: 'a@b.example', rcptTo: 'c@d.example', head: head('4k', 'r', number), body: body('4k') })
  await client.quit()
}

const nothing: Figures = {
  peer: 'Causeway',
  cell: '4k c1 plain kept up',
  accepted: 0,
  lost: 0,
  doubled: 0,
  errors: {},
  perSecond: 120,
  p50Ms: 1,
  p99Ms: 2,
  cpuMsPerMessage: 0.5,
  peakMegabytes: 10,
  connectionsOut: 1,
  window: [0, 1],
}

test('the table shows medians and the ratio to the other server', () => {
  const other = { ...nothing, peer: 'Other', perSecond: 10, p99Ms: 8, cpuMsPerMessage: 5 }
  const [, ours] = table(
    [plain],
    [nothing, { ...nothing, perSecond: 100 }, { ...nothing, perSecond: 80 }, other],
  ).split('\n')
  assert.match(
    ours ?? '',
    /^4k c1 plain kept up\s+Causeway\s+100 \(80-120\)\s+10\.0\s+6x\s+-\s+1\.0\s+2\.0\s+0\.25\s+-\s+0\.50\s+10\.0\s+10$/,
  )
})

test('a message has the size that it is called by, CRLF lines and no dot at the beginning of one', () => {
  const bytes = { '4k': 4096, '50k': 51_200, '1m': 1_048_576 }
  for (const size of sizes) {
    const message = head(size, 'run', 17) + body(size).toString('latin1')
    assert(Math.abs(message.length / bytes[size] - 1) < 0.1, `${size} has ${message.length} bytes`)
    assert.doesNotMatch(message, /\n\.|[^\r]\n|\r[^\n]/)
    assert(message.endsWith('\r\n'))
  }
})

test('words of one kind widen the choice, those of another narrow it', () => {
  const names = (words: string[]) => chooseCells(words).length
  assert.deepEqual(
    [names(['4k', '50k', 'c20', 'plain']), names(['new']), names(['1m', 'tls']), names(['down'])],
    [3, 1, 0, 3],
  )
  const options = readOptions(['--quick', '--only', 'c1', '--warm', '7'])
  assert(!('wrong' in options))
  assert.deepEqual([options.repetitions, options.cells.length, options.warmSeconds(true)], [1, 5, 7])
  for (const bad of [['--only', 'c3'], ['--only', '1m,tls'], ['--seconds', 'x'], ['--cores', 'all'], ['--fast']])
    assert('wrong' in readOptions(bad), bad.join(' '))
})

test('median and percentile', () => {
  assert.deepEqual([median([]), median([3, 1, 2]), median([4, 1, 2, 3])], [0, 2, 2.5])
  assert.deepEqual([percentile([], 0.5), percentile([1, 2, 3, 4], 0.99), percentile([4, 3, 2, 1], 0.5)], [0, 4, 3])
})
