/** A gateway that answers every question and refuses all mail: what the lab says about it must be bad. For tests. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { listen } from '../relay/listen/listen.ts'
import type { StartGateway } from './gateway.ts'

export const uselessGateway: StartGateway = async ({ dataDir }) => {
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(join(dataDir, 'api.token'), 'x\n')
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
  const at = http.address()
  const port = typeof at === 'object' && at !== null ? at.port : 0
  return {
    smtp: smtp.addresses,
    http: { url: `http://127.0.0.1:${port}` },
    async stop() {
      http.close()
      http.closeAllConnections()
      await smtp.drain(100)
    },
  }
}
