/** Batches of mailboxes at a server that repeats in its refusals what it was told: nothing of that may come out of the gateway. */
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Gateway } from './gateway.ts'

/** An IMAP server that tells everybody what it was told, and lets nobody in. */
export async function startGossip() {
  const server = createServer((socket) => {
    let rest = ''
    socket.on('error', () => {})
    socket.write('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n')
    socket.on('data', (chunk) => {
      const lines = `${rest}${chunk.toString('latin1')}`.split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const [tag = '*', command = ''] = line.split(' ')
        if (/^CAPABILITY$/i.test(command)) socket.write(`* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n${tag} OK\r\n`)
        else socket.write(`${tag} NO [AUTHENTICATIONFAILED] not with ${line}\r\n`)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = server.address()
  return { port: typeof place === 'object' && place !== null ? place.port : 0, close: () => void server.close() }
}

/** A batch whose log-ins are refused in every way, another one by an admin; both stay, with their passwords. */
export async function moveMailboxes(
  gateway: Gateway,
  dir: string,
  imap: number,
  password: string,
  atTarget: string,
): Promise<readonly string[]> {
  const said: string[] = []
  const run = async (...args: readonly string[]): Promise<void> =>
    void said.push(JSON.stringify(await gateway.run('migrate', ...args)))
  const csv = (name: string, lines: readonly string[]): string => {
    writeFileSync(join(dir, name), ['EmailAddress,UserName,Password,TargetPassword', ...lines, ''].join('\n'))
    return join(dir, name)
  }
  const right = csv('users.csv', [`john@one.example,john,${password},${atTarget}`])
  const wrong = csv('wrong.csv', [`no address,john,${password},${atTarget}`, `"x@one.example,${password}`])
  const servers = ['--source', `127.0.0.1:${imap}`, '--source-security', 'none', '--target', `127.0.0.1:${imap}`]
  const all = [...servers, '--target-security', 'none']
  await run('check', 'one', '--csv', wrong, ...all)
  await run('check', 'one', '--csv', right, ...all)
  const admin = ['--source-admin', 'boss', '--source-admin-password', 'vault:127.0.0.1/boss']
  await run('check', 'two', '--csv', right, ...all, ...admin)
  await run('start', 'one')
  await run('retry', 'one', '--csv', right)
  await run('watch', '--once', '--json')
  for (const name of ['one', 'two']) {
    await run('show', name, '--json')
    await run('show', name, 'john@one.example')
    await run('show', name, 'john@one.example', '--json')
    await run('report', name, '--json')
  }
  rmSync(right)
  rmSync(wrong)
  return said
}
