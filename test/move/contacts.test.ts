import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { putContacts, readContacts } from '../../src/migrate/contacts/contacts.ts'
import { missing } from '../support/program.ts'
import { startRadicale } from '../support/radicale.ts'

const skip = missing('radicale')
const people =
  'First Name,Last Name,E-mail Address,Mobile Phone,Notes\nMary,Müller,mary@x.example,+49 170 1,"one\ntwo; three"\nAnn,A,ann@x.example,,\n'

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-contacts-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

test('to CardDAV: found from the server, put once, and a second time nothing is doubled', { skip }, async (t) => {
  const server = await startRadicale({ dir: join(folder(t), 'radicale'), user: 'mary', password: 'p:w ü' })
  t.after(server.stop)
  const contacts = readContacts(Buffer.from(people)).contacts.map(({ contact }) => contact)
  const target = { url: server.url, user: 'mary', password: 'p:w ü' }
  assert.deepEqual(await putContacts(target, contacts), { ok: true, book: 'People', created: 2, there: 0, failed: [] })
  assert.deepEqual(await putContacts(target, contacts), { ok: true, book: 'People', created: 0, there: 2, failed: [] })
  const kept = (await server.cards()).map((card) => readContacts(Buffer.from(card)).contacts[0]?.contact)
  assert.deepEqual(
    kept.toSorted((a, b) => (a?.given ?? '').localeCompare(b?.given ?? '')),
    contacts.toSorted((a, b) => a.given.localeCompare(b.given)),
  )
})

test('to CardDAV: what can be wrong is told, and no password goes where it must not', { skip }, async (t) => {
  const server = await startRadicale({ dir: join(folder(t), 'radicale'), user: 'mary', password: 'right' })
  t.after(server.stop)
  const put = (url: string, more: Readonly<Record<string, string>> = {}) =>
    putContacts({ url, user: 'mary', password: 'right', ...more }, [])
  const why = async (answer: ReturnType<typeof put>): Promise<string> => {
    const outcome = await answer
    return outcome.ok ? 'ok' : `${outcome.why}; ${outcome.remedy}`
  }
  assert.match(await why(put('http://dav.example/')), /no https address; http is taken for this machine only/)
  assert.match(
    await why(put(server.url, { password: 'wrong' })),
    /127\.0\.0\.1:\d+: .*; check the address, the user and the password/,
  )
  assert.match(await why(put(server.url, { book: 'Nobody' })), /no address book Nobody; there are: People/)
  assert.match(await why(put('http://127.0.0.1:2/')), /ECONNREFUSED/)
})

test('a server that sends us to another one does not get the password there', async (t) => {
  const { createServer } = await import('node:http')
  const seen: string[] = []
  const thief = createServer((request, response) => {
    seen.push(request.headers.authorization ?? '')
    response.end()
  }).listen(0, '127.0.0.1')
  t.after(() => thief.close())
  const portOf = (server: typeof thief): number => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }
  await new Promise((resolve) => thief.once('listening', resolve))
  const server = createServer((_, response) => {
    response.writeHead(301, { location: `http://127.0.0.1:${portOf(thief)}/dav/` }).end()
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const outcome = await putContacts({ url: `http://127.0.0.1:${portOf(server)}/`, user: 'm', password: 'secret' }, [])
  assert.equal(outcome.ok, false)
  assert.deepEqual(
    seen.filter((header) => header !== ''),
    [],
  )
})
