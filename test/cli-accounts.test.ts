/** Accounts, their domain and contacts as an administrator types them. */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type LabGraph, startLabGraph } from '../src/lab/graph/graph.ts'
import { setTerminal, type Terminal } from './support/typed.ts'

let terminal: Terminal
let lab: LabGraph
let list = ''
before(async () => {
  terminal = await setTerminal()
  lab = await startLabGraph()
  lab.domains.set('contoso.example', { isVerified: true, txt: '' })
  lab.skus.push({ skuId: '11111111-2222-4333-8444-555555555555', skuPartNumber: 'BASIC', enabled: 5 })
  terminal.stage.desk.vault.write('project', 'graph', Buffer.from('not-told-secret'), 'test')
  list = at('mailboxes.csv')
  writeFileSync(list, 'Mailbox,Vorname,Nachname,Size\nmary,Mary,Müller,12\nbob,Bob,B,5\n+bad,X,Y,1\n')
})
after(async () => {
  await terminal[Symbol.asyncDispose]()
  await lab.stop()
})
const at = (name: string): string => join(terminal.stage.dir, name)
const type = (command: string, ...answers: readonly string[]) => terminal.type(command, ...answers)
const app = (): string =>
  `--tenant contoso.example --client-id app --secret vault:graph --authority ${lab.authority} --graph ${lab.base}`

test('preview: what the columns are taken for, who would get an account, and which rows cannot be one', async () => {
  const { code, out } = await type(
    `migrate accounts preview ${list} --domain contoso.example --save-profile ${at('p.json')}`,
  )
  assert.equal(code, 1)
  assert.match(out, /^Mailbox +address +mary$/m)
  assert.match(out, /^Size +\(left out\) +12$/m)
  assert.match(out, /^mary@contoso\.example +Mary Müller$/m)
  assert.match(out, /^line 4: "\+bad" cannot be a name in Entra/m)
  assert.match(out, /^2 accounts, 1 rows that cannot be one$/m)
  assert.deepEqual(JSON.parse(readFileSync(at('p.json'), 'utf8')), {
    Mailbox: 'address',
    Vorname: 'given',
    Nachname: 'family',
    Size: '',
  })
  assert.equal((await type(`migrate accounts preview ${list} --column Size=weight`)).code, 2)
})

test('plan, create, passwords handed out once, and again nothing left to do', async () => {
  const options = `${list} --domain contoso.example --profile ${at('p.json')} --usage-location de --licence BASIC ${app()}`
  const plan = await type(`migrate accounts plan ${options}`)
  assert.match(plan.out, /^2 to create, 0 to complete, 0 are there, 0 conflicts; licences BASIC: 2 needed, 5 free$/m)
  assert.equal(lab.users.length, 0)
  const refused = await type(`migrate accounts create ${options}`, 'no')
  assert.deepEqual([refused.code, lab.users.length], [1, 0])
  const made = await type(`migrate accounts create ${options} --yes`)
  assert.match(made.out, /^mary@contoso\.example: created$/m)
  assert.match(made.out, /^2 temporary passwords wait: causeway migrate accounts passwords --out FILE$/m)
  assert.equal(made.code, 1, 'a row of the list could not be one')
  assert.match(made.err, /mailboxes\.csv:4: "\+bad" cannot be/)
  const [mary] = lab.users
  assert.deepEqual([mary?.['surname'], mary?.['usageLocation']], ['Müller', 'DE'])

  const out = at('passwords.csv')
  const handed = await type(`migrate accounts passwords --out ${out}`)
  assert.equal(handed.code, 0, handed.err)
  assert.match(
    readFileSync(out, 'utf8'),
    /^\ufeffUserPrincipalName,Password\r\n\S+@contoso\.example,\S{16}\r\n\S+,\S{16}\r\n$/,
  )
  assert.equal(statSync(out).mode & 0o777, 0o600)
  assert.match((await type(`migrate accounts passwords --out ${out}`)).err, /it is there already/)
  const second = await type(`migrate accounts passwords --out ${at('second.csv')}`)
  assert.deepEqual([second.code, readFileSync(at('second.csv'), 'utf8').split('\r\n').length], [1, 2])
  assert.match((await type(`migrate accounts plan ${options}`)).out, /0 to create, 0 to complete, 2 are there/)
})

test('what is wrong is told with what to do', async () => {
  const options = `${list} --domain other.example --usage-location DE ${app()}`
  const { code, out } = await type(`migrate accounts plan ${options}`)
  assert.equal(code, 1)
  assert.match(
    out,
    /not possible yet: other\.example is no domain of the tenant; causeway migrate domain other\.example/,
  )
  const elsewhere = app().replace(lab.authority, 'https://evil.example')
  assert.match((await type(`migrate domain x.example ${elsewhere}`)).err, /no authority of Microsoft/)
  assert.match(
    (await type(`migrate domain x.example ${app().replace('vault:graph', 'vault:none')}`)).err,
    /there is no secret none/,
  )
  assert.equal((await type('migrate domain x.example')).code, 2)
  assert.equal(
    (await type(`migrate accounts plan ${list} --domain contoso.example --usage-location Germany ${app()}`)).code,
    2,
  )
})

test('a domain: its record is shown to be published', async () => {
  const { code, out } = await type(`migrate domain new.example ${app()}`)
  assert.equal(code, 1)
  assert.match(out, /^new\.example +TXT +MS=ms\d{8} +3600$/m)
})

test('contacts: shown, written, and put into a mailbox', async () => {
  const file = at('contacts.csv')
  writeFileSync(file, 'Name,Email,Shoe size\nAnn,ann@x.example,38\nann,ANN@x.example,\nBob,not an address,\n')
  const shown = await type(`migrate contacts ${file}`)
  assert.equal(shown.code, 1)
  assert.match(shown.out, /^Shoe size +\(left out\) +38$/m)
  assert.match(shown.out, /^lines 2, 3 are one: Ann$/m)
  assert.match(
    shown.out,
    /:4: "not an address" is not an e-mail address; the contact is taken without it; correct it$/m,
  )
  assert.match(shown.out, /^nothing was written/m)
  const options = `--outlook ${at('o.csv')} --vcard ${at('v.vcf')} --mailbox mary@contoso.example ${app()}`
  const written = await type(`migrate contacts ${file} ${options}`)
  assert.match(written.out, /^the mailbox: 2 put, 0 were there already, 0 refused$/m)
  assert.match(readFileSync(at('v.vcf'), 'utf8'), /^FN:Ann\r$/m)
  assert.match(readFileSync(at('o.csv'), 'utf8'), /^\ufeffTitle,First Name,/)
  assert.match((await type(`migrate contacts ${file} --outlook ${at('o.csv')}`)).err, /it is there already/)
  assert.match(
    (await type(`migrate contacts ${file} --mailbox mary@contoso.example ${app()}`)).out,
    /0 put, 2 were there/,
  )
})

test('the script, and no secret anywhere', async () => {
  const file = at('accounts.ps1')
  const { code, out } = await type(
    `migrate accounts script ${list} --domain contoso.example --usage-location DE --out ${file}`,
  )
  assert.deepEqual([code, out], [1, `wrote ${file}: 2 accounts\n`])
  assert.match(readFileSync(file, 'utf8'), /DisplayName = 'Mary Müller'/)
  const { users } = lab
  assert.doesNotMatch(JSON.stringify(users), /not-told/)
})
