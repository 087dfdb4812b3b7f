/** Plays a transcript against a listener of its own, on loopback. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Backend, type Incoming, type ListenOptions, listen, type Soon } from '../../src/relay/listen/listen.ts'
import { issue } from '../support/certificates.ts'
import { Client } from '../support/smtp-client.ts'
import { parseTranscript, type Step, type Transcript } from './transcript.ts'

const ours = issue({ names: ['gw.example.net'] })

/** How the backend answers: in the same turn, or later. Nothing that a client sees may depend on it. */
export type Pace = 'at once' | 'later'

export async function play(text: string, pace: Pace): Promise<void> {
  const transcript = parseTranscript(text)
  const seen: Seen = { messages: [], refusals: [] }
  const listener = await listen(options(transcript, pace, seen))
  const client = new Client(listener.addresses[0]?.port ?? 0)
  try {
    if (transcript.listener.has('implicit-tls')) await client.secure({ servername: 'gw.example.net' })
    for (const step of transcript.steps) await perform(step, client, seen)
    assert.deepEqual(client.unread(), [], 'replies that the transcript does not expect')
    assert.deepEqual(seen.messages, [], 'messages that the transcript does not expect')
  } finally {
    client.destroy()
    await listener.drain(0)
  }
}

type Seen = { readonly messages: string[]; readonly refusals: string[] }

function options(t: Transcript, pace: Pace, seen: Seen): ListenOptions {
  const isTls = !t.listener.has('no-tls')
  return {
    hostname: 'gw.example.net',
    addresses: [{ host: '127.0.0.1', port: 0, implicitTls: t.listener.has('implicit-tls') }],
    secureContext: () => (isTls ? { key: ours.key, cert: ours.cert } : undefined),
    limits: t.limits,
    bareLineEnds: t.listener.has('refuse-bare-line-ends') ? 'refuse' : 'normalise',
    backend: backend(t, pace, seen),
  }
}

function backend(t: Transcript, pace: Pace, seen: Seen): Backend {
  const soon = <T>(answer: () => T): Soon<T> => (pace === 'later' ? sleep(1).then(answer) : answer())
  const say = (step: string, address: string) => {
    const found = t.answers.find((a) => a.step === step && matches(a.address, address))
    if (found === undefined) return undefined
    if (found.reply === 'throws') throw new Error('the backend of the transcript throws')
    const [code, enhanced = '', ...words] = found.reply.split(' ')
    return { code: Number(code), enhanced, text: words.join(' ') }
  }
  return {
    connect: () => soon(() => say('connect', '')),
    mail: (_, from) => soon(() => say('mail', from.text)),
    rcpt: (_client, _from, to) => soon(() => say('rcpt', to.text)),
    message: (incoming) => {
      seen.messages.push(described(incoming))
      return soon(() => say('message', incoming.mailFrom.text) ?? { code: 250, enhanced: '2.0.0', text: 'OK' })
    },
    refused: (_client, what) => void seen.refusals.push(what),
  }
}

function described(m: Incoming): string {
  const to = m.recipients.map((r) => r.text).join(', ')
  return `${m.via} ${m.mailFrom.text} -> ${to}: ${m.raw.toString('latin1')}`
}

async function perform(step: Step & { readonly line: number }, client: Client, seen: Seen): Promise<void> {
  const at = `line ${step.line}`
  switch (step.kind) {
    case 'send':
      return client.send(step.bytes, step.wait)
    case 'expect': {
      const line = await client.line(at)
      return assert.ok(matches(step.pattern, line), `${at}: expected ${step.pattern}, got ${line}`)
    }
    case 'hello':
      return assert.match(await client.ask('EHLO client.example'), /^250 /, at)
    case 'tls':
      await client.secure({ servername: step.name })
      return
    case 'half-close':
      return client.halfClose()
    case 'closed':
      return assert.deepEqual(await client.rest(), [], `${at}: more than expected before the end`)
    case 'quiet':
      await sleep(step.ms)
      return assert.deepEqual(client.unread(), [], `${at}: something came`)
    case 'got':
      return assert.equal(seen.messages.shift() ?? 'nothing', step.message, at)
    case 'refused': {
      const what = seen.refusals.shift() ?? 'nothing'
      return assert.ok(matches(step.pattern, what), `${at}: expected ${step.pattern}, got ${what}`)
    }
  }
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[^\w ]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text)
}
