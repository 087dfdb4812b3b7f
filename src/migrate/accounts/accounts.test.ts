import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountsScript, readAccounts, temporaryPassword } from './accounts.ts'

const read = (text: string, more: Parameters<typeof readAccounts>[1] = {}) => readAccounts(Buffer.from(text), more)

test('a provider’s list: columns are recognised, and shown with what is in them', () => {
  const { accounts, bad, columns } = read(
    'Mailbox,First Name,Last Name,Size (MB),Aliases\nmary@contoso.example,Mary,Müller,120,"m@contoso.example; mm@contoso.example"\n',
  )
  assert.deepEqual(bad, [])
  assert.deepEqual(
    columns.map(({ header, field, sample }) => `${header}: ${field ?? '-'}: ${sample}`),
    [
      'Mailbox: address: mary@contoso.example',
      'First Name: given: Mary',
      'Last Name: family: Müller',
      'Size (MB): -: 120',
      'Aliases: aliases: m@contoso.example; mm@contoso.example',
    ],
  )
  assert.equal(accounts[0]?.displayName, 'Mary Müller')
  assert.deepEqual(accounts[0]?.aliases, ['m@contoso.example', 'mm@contoso.example'])
})

test('names without a domain, another column for the address, a column left out', () => {
  const names = 'User;Anzeigename;Konto\nmary;Mary M;x1\n'
  assert.match(read(names).bad[0]?.why ?? '', /"mary" has no domain/)
  assert.equal(read(names, { domain: 'contoso.example' }).accounts[0]?.userPrincipalName, 'mary@contoso.example')
  const other = read(names, { domain: 'c.example', columns: { User: '', Konto: 'address', Anzeigename: '' } })
  assert.deepEqual(
    other.accounts.map((a) => [a.userPrincipalName, a.displayName]),
    [['x1@c.example', 'x1']],
  )
  assert.match(
    read('Size,Quota\n1,2\n').bad[0]?.why ?? '',
    /no column has the address of the mailbox; there are: Size, Quota/,
  )
})

test('what cannot be an account is told with its line, and costs no others', () => {
  const rows = [
    'ann@c.example',
    'not an address@',
    'ANN@c.example',
    '"a\nb@c.example"',
    'a+b@c.example',
    '.x@c.example',
    '',
    'bob@c.example',
  ]
  const { accounts, bad } = read(`Email,Name\n${rows.map((row) => `${row},x`).join('\n')}\n`)
  assert.deepEqual(
    accounts.map((a) => a.userPrincipalName),
    ['ann@c.example', 'bob@c.example'],
  )
  assert.deepEqual(
    bad.map(({ line, why }) => `${line} ${why.slice(0, 40)}`),
    [
      '3 "not an address@" has no domain',
      '4 ANN@c.example stands in line 2 already',
      '5 Email has control characters',
      '7 "a+b@c.example" cannot be a name in Entr',
      '8 ".x@c.example" is not an address',
      '9 there is no address',
    ],
  )
})

test('temporary passwords: all four kinds, nothing that is mistaken for another, none twice', () => {
  const made = Array.from({ length: 500 }, temporaryPassword)
  for (const password of made) {
    assert.equal(password.length, 16)
    assert.doesNotMatch(password, /[0O1lI]/)
    for (const kind of [/[A-Z]/, /[a-z]/, /[2-9]/, /[!#%+\-=?@]/]) assert.match(password, kind)
  }
  assert.equal(new Set(made).size, made.length)
})

test('the script: data stays within its quotes, whatever it is', () => {
  const evil = "O’Brien'; Remove-MgUser -All; '$(whoami)`\""
  const { accounts } = read(`Email,Name\nann@c.example,"${evil.replaceAll('"', '""')}"\n`)
  const script = accountsScript(accounts, { usageLocation: 'DE', licence: "X' ; calc" })
  assert.ok(script.startsWith('\ufeff'))
  assert.doesNotMatch(script.replaceAll('\r\n', ''), /[\r\n]/)
  assert.ok(script.includes("DisplayName = 'O’’Brien''; Remove-MgUser -All; ''$(whoami)`\"'"))
  assert.ok(script.includes("-eq 'X'' ; calc'"))
})
