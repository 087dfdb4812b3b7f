import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { maxFileBytes, maxRows, readBatchCsv } from './csv.ts'
import { settingsSchema } from './settings.ts'

const password = { login: { kind: 'password' } }
const admin = { login: { kind: 'admin', user: 'boss', password: 'vault:boss' } }
const settings = (source: object = password, target: object = admin) =>
  settingsSchema.parse({ source: { host: 'old.example', ...source }, target: { host: 'new.example', ...target } })
const read = (text: string | Buffer, s = settings()) => readBatchCsv(Buffer.from(text), s)
const header = 'EmailAddress,UserName,Password'
const said = (text: string | Buffer, s = settings()) =>
  read(text, s).problems.map(({ row, column, what }) => `${row} ${column}: ${what}`)

test('the file as Exchange Online takes it', () => {
  const { rows, problems } = read(
    `${header},UserRoot\nann@new.example,contoso\\ann,p,a ss",/users/ann\n`.replace('p,a ss"', '"p,a ss"""'),
  )
  assert.deepEqual(problems, [])
  assert.deepEqual(rows, [
    {
      row: 2,
      email: 'ann@new.example',
      key: 'ann@new.example',
      userName: 'contoso\\ann',
      password: 'p,a ss"',
      userRoot: '/users/ann',
      targetUserName: '',
      targetPassword: '',
      targetRoot: '',
    },
  ])
})

test('columns of ours for a target with a log-in of each mailbox', () => {
  const own = settings(password, password)
  const text = `${header},TargetUserName,TargetPassword,TargetRoot\na@b.example,a,x,anna,y,Old mail\n`
  const [row] = read(text, own).rows
  assert.deepEqual([row?.targetUserName, row?.targetPassword, row?.targetRoot], ['anna', 'y', 'Old mail'])
  assert.deepEqual(said(`${header}\na@b.example,a,x\n`, own), ['2 TargetPassword: it is empty'])
})

test('every encoding that a spreadsheet writes, and a blank in a password stays', () => {
  const text = `${header}\r\nmüller@new.example,m, Paß \r\n`
  const swapped = Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()
  for (const bytes of [
    Buffer.from(text),
    Buffer.from(`\uFEFF${text}`),
    Buffer.from(`\uFEFF${text}`, 'utf16le'),
    swapped,
  ]) {
    const { rows, problems, warnings } = read(bytes)
    assert.deepEqual(problems, [])
    assert.equal(rows[0]?.password, ' Paß ')
    assert.match(warnings[0]?.what ?? '', /begins or ends with a blank/)
  }
  assert.deepEqual(said(Buffer.from('EmailAddress,UserName,Password\nm\xfc@x,a,b\n', 'latin1')), [
    '0 : the file is neither UTF-8 nor UTF-16 text',
  ])
  assert.equal(read('EmailAddress;UserName;Password\na@b.example;a;b\n').rows.length, 1)
})

test('the header is exact, and what was meant is said', () => {
  const problems = read('Email Address,UserName,Pasword\na@b.example,a,b\n').problems
  assert.deepEqual(
    problems.map(({ row, column, remedy }) => [row, column, remedy.split(',')[0]]),
    [
      [1, 'Email Address', 'write it EmailAddress'],
      [1, 'Pasword', 'the columns are EmailAddress'],
      [1, 'EmailAddress', 'the first line is EmailAddress'],
      [1, 'Password', 'the first line is EmailAddress'],
    ],
  )
  assert.deepEqual(said('emailaddress,UserName,Password\n').at(0), '1 emailaddress: there is no column "emailaddress"')
  assert.deepEqual(said(`${header},Password\na@b.example,a,b,c\n`), ['1 Password: the column is there twice'])
  assert.deepEqual(said(''), ['0 : the file is empty'])
  assert.deepEqual(said(`${header}\n`), ['0 : the file has a header and no rows'])
})

test('every bad row is told, with its number, and then nothing is taken', () => {
  const text = [
    header,
    'ann@new.example,ann,x',
    'no address,bob,x',
    'eve@new.example,,',
    'too,few',
    ',,',
    'ANN@NEW.example,other,x',
    'kim@new.example,kim,a\u0007b',
    '',
  ].join('\n')
  assert.deepEqual(said(text), [
    '3 EmailAddress: it is no address',
    '4 UserName: it is empty',
    '4 Password: it is empty',
    '5 : the row has 2 fields, and the header 3 columns',
    '7 EmailAddress: ANN@NEW.example stands in row 2 already',
    '8 Password: it holds a control character or a line end',
  ])
  assert.deepEqual(read(text).rows, [])
})

test('a null value is nothing between commas, where one account opens all', () => {
  const { rows, problems } = read(`${header}\nann@new.example,ann,\n`, settings(admin, admin))
  assert.deepEqual(problems, [])
  assert.equal(rows[0]?.password, '')
})

test('one source twice is worth a word; a path must not lead elsewhere', () => {
  const { warnings } = read(`${header}\na@n.example,x,1\nb@n.example,x,1\n`)
  assert.deepEqual(
    warnings.map(({ row, what }) => [row, what]),
    [[3, 'row 2 copies the same mailbox']],
  )
  assert.deepEqual(said(`${header},UserRoot\na@n.example,x,1,/users/../boss\n`), ['2 UserRoot: it leads elsewhere'])
})

test('a quote that is never closed names its row', () => {
  assert.deepEqual(said(`${header}\na@n.example,x,1\nb@n.example,"x,1\n`), [
    '3 : a quote is opened in or after this row and never closed',
  ])
})

test('50,000 rows are the most, and 10 MB', () => {
  const rows = Array.from({ length: maxRows + 1 }, (_, i) => `u${i}@n.example,u${i},x`)
  assert.equal(read([header, ...rows.slice(0, maxRows)].join('\n')).rows.length, maxRows)
  assert.deepEqual(said([header, ...rows].join('\n')), ['0 : the file has 50001 rows, and 50,000 are the most'])
  assert.match(said(Buffer.alloc(maxFileBytes + 1, 'a'))[0] ?? '', /10 MB are the most/)
})

test('any bytes have an answer, and no password is in what is said', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { rows, problems } = read(Buffer.from(bytes))
      assert.ok(rows.length === 0 || problems.length === 0)
    }),
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (email, user) => {
      const told = JSON.stringify(
        read(`${header}\n"${email.replaceAll('"', '""')}","${user.replaceAll('"', '""')}",Zq8secretZq8\n`),
      )
      const { problems } = JSON.parse(told)
      assert.doesNotMatch(JSON.stringify(problems), /Zq8secretZq8/)
    }),
  )
})
