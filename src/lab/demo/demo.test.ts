import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { listen } from '../../relay/listen/listen.ts'
import type { StartGateway } from '../gateway.ts'
import { runDemo } from './demo.ts'

/** Answers every question, and refuses all mail. */
const uselessGateway: StartGateway = async () => {
  const refusal = { code: 550, enhanced: '5.0.0', text: 'no' }
  const smtp = await listen({
    hostname: 'gw',
    addresses: [{ host: '127.0.0.1', port: 0 }],
    secureContext: () => undefined,
    backend: { mail: () => refusal, rcpt: () => refusal, message: () => refusal },
  })
  const http = createServer((_, response) => response.end(JSON.stringify({ records: [], events: [] })))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    smtp: smtp.addresses,
    http: { url: `http://127.0.0.1:${port}`, token: 'x' },
    async stop() {
      http.close()
      http.closeAllConnections()
      await smtp.drain(100)
    },
  }
}

test('with a gateway that does nothing the demo says no, tells what did not hold, and ends', async () => {
  let text = ''
  let kept = 0
  const held = await runDemo({
    startGateway: uselessGateway,
    out: (more) => (text += more),
    keep: async () => void kept++,
  })
  assert.equal(held, false)
  assert.equal(kept, 1)
  assert.match(text, /FAILED {2}John's mail arrives outside/)
  assert.match(text, /swaks --server/)
  assert.doesNotMatch(text, /\u001b/)
})

test('a gateway that does not start ends the demo', async () => {
  const startGateway = () => Promise.reject(new Error('cannot start'))
  await assert.rejects(runDemo({ startGateway, out: () => {} }), /cannot start/)
})
