import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { noContact } from './contact.ts'
import { type Contact, graphContact, mergeDuplicates, outlookCsv, readContacts, vcardOf } from './contacts.ts'

const read = (text: string, columns: Readonly<Record<string, string>> = {}) => readContacts(Buffer.from(text), columns)
const only = (text: string): Contact => {
  const { contacts, bad } = read(text)
  assert.deepEqual(bad, [])
  assert.equal(contacts.length, 1)
  const [first] = contacts
  assert.ok(first)
  return first.contact
}
/** What was said, without what is empty. */
const said = (c: Contact): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(c).filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0)),
  )

const mary = {
  given: 'Mary',
  family: 'Müller',
  displayName: 'Mary Müller',
  company: 'Contoso, Ltd.',
  title: 'Head; of "things"',
  emails: [
    { kind: 'work', value: 'mary@contoso.example' },
    { kind: 'other', value: 'mm@home.example' },
  ],
  phones: [
    { kind: 'work', value: '+49 30 1234' },
    { kind: 'mobile', value: '+49 170 1' },
  ],
  addresses: [
    { kind: 'work', street: 'Straße 1\n2. Stock', city: 'Köln', region: '', postalCode: '50667', country: 'DE' },
  ],
  birthday: '1970-12-31',
  notes: 'first line\nsecond, line',
}

test('Outlook, in English and in German', () => {
  const english =
    'First Name,Last Name,Company,Job Title,Business Street,Business Street 2,Business City,Business Postal Code,Business Country/Region,Business Phone,Mobile Phone,Birthday,E-mail Address,E-mail Type,E-mail 2 Address,Notes\r\n' +
    'Mary,Müller,"Contoso, Ltd.","Head; of ""things""",Straße 1,2. Stock,Köln,50667,DE,+49 30 1234,+49 170 1,12/31/1970,mary@contoso.example,SMTP,mm@home.example,"first line\r\nsecond, line"\r\n'
  assert.deepEqual(said(only(english)), mary)
  const german =
    'Vorname;Nachname;Firma;Position;Straße geschäftlich;Straße geschäftlich 2;Ort geschäftlich;Postleitzahl geschäftlich;Land/Region geschäftlich;Telefon geschäftlich;Mobiltelefon;Geburtstag;E-Mail-Adresse;E-Mail 2: Adresse;Notizen\n' +
    'Mary;Müller;Contoso, Ltd.;"Head; of ""things""";Straße 1;2. Stock;Köln;50667;DE;+49 30 1234;+49 170 1;31.12.1970;mary@contoso.example;mm@home.example;"first line\nsecond, line"\n'
  assert.deepEqual(said(only(german)), mary)
  const old = readContacts(Buffer.from('Vorname;E-Mail-Adresse\nJürgen;j@x.example\n', 'latin1'))
  assert.equal(old.contacts[0]?.contact.given, 'Jürgen')
})

test('Google: labels beside values, several values in a cell, its own groups left out', () => {
  const text =
    'First Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Address 1 - Label,Address 1 - Street,Address 1 - City,Website 1 - Label,Website 1 - Value\n' +
    'Mary,M,Friends ::: * myContacts,* Work,mary@contoso.example ::: m2@contoso.example,Mobile,+1 1,Home,Way 1,Town,,https://x.example\n'
  assert.deepEqual(said(only(text)), {
    given: 'Mary',
    family: 'M',
    displayName: 'Mary M',
    categories: ['Friends'],
    emails: [
      { kind: 'work', value: 'mary@contoso.example' },
      { kind: 'work', value: 'm2@contoso.example' },
    ],
    phones: [{ kind: 'mobile', value: '+1 1' }],
    addresses: [{ kind: 'home', street: 'Way 1', city: 'Town', region: '', postalCode: '', country: '' }],
    urls: ['https://x.example'],
  })
})

test('GoDaddy and whoever else: what nobody knows is told with a sample, and can be named by hand', () => {
  const text = 'Name,Email,Work Phone,Lieblingsfarbe\nMary M,mary@contoso.example,123,blau\n'
  const { columns } = read(text)
  assert.deepEqual(
    columns.map(({ header, field, sample }) => [header, field, sample]),
    [
      ['Name', 'displayName', 'Mary M'],
      ['Email', 'email.work', 'mary@contoso.example'],
      ['Work Phone', 'phone.work', '123'],
      ['Lieblingsfarbe', undefined, 'blau'],
    ],
  )
  const { contacts } = read(text, { Lieblingsfarbe: 'notes', Email: '' })
  assert.equal(contacts[0]?.contact.notes, 'blau')
  assert.deepEqual(contacts[0]?.contact.emails, [])
})

test('bad rows are told by their line, and cost no others', () => {
  const { contacts, bad } = read(
    'Name,Email\nAnn,ann@x.example\n,\n,not an address\nBob,/o=Contoso/cn=bob\nCarl,c@x.example,too,much\nx"y,z\nDora,d@x.example\n',
  )
  assert.deepEqual(
    contacts.map(({ contact, line }) => [line, contact.displayName, contact.emails.length]),
    [
      [2, 'Ann', 1],
      [5, 'Bob', 0],
      [8, 'Dora', 1],
    ],
  )
  assert.deepEqual(
    bad.map(({ line, why }) => `${line}: ${why}`),
    [
      '4: "not an address" is not an e-mail address',
      '5: "/o=Contoso/cn=bob" is not an e-mail address; the contact is taken without it',
      '6: the row has 4 fields, the header 2 columns',
      '7: a quote stands where none can stand',
    ],
  )
  assert.match(read('').bad[0]?.why ?? '', /empty/)
})

test('vCard 2.1, 3.0 and 4.0', () => {
  const cards = [
    'BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCl=\r\nler;Mary\r\nTEL;CELL;VOICE:+49 170 1\r\nEMAIL;INTERNET:mary@contoso.example\r\nEND:VCARD\r\n',
    'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mary Müller\r\nN:Müller;Mary;;;\r\nTEL;TYPE=CELL:+49 \r\n 170 1\r\nitem1.EMAIL;type=INTERNET:mary@contoso.example\r\nitem1.X-ABLabel:_$!<Other>!$_\r\nEND:VCARD\r\n',
    'BEGIN:VCARD\nVERSION:4.0\nFN:Mary Müller\nN:Müller;Mary;;;\nTEL;VALUE=uri;TYPE="cell,voice":tel:+49 170 1\nEMAIL:mary@contoso.example\nEND:VCARD\n',
  ]
  for (const card of cards)
    assert.deepEqual(said(only(card)), {
      given: 'Mary',
      family: 'Müller',
      displayName: 'Mary Müller',
      emails: [{ kind: 'other', value: 'mary@contoso.example' }],
      phones: [{ kind: 'mobile', value: '+49 170 1' }],
    })
})

test('a card without an end is told, the others are taken', () => {
  const { contacts, bad } = read('BEGIN:VCARD\nFN:Ann\nBEGIN:VCARD\nFN:Bob\nEND:VCARD\nBEGIN:VCARD\nFN:Carl\n')
  assert.deepEqual(
    contacts.map(({ contact }) => contact.displayName),
    ['Bob'],
  )
  assert.deepEqual(
    bad.map(({ line }) => line),
    [1, 6],
  )
})

test('the same person becomes one, with everything of both, and what was contradicted is told', () => {
  const { contacts } = read(
    'First Name,Last Name,Company,E-mail Address,Mobile Phone,Business Phone,Notes\n' +
      'Mary,Müller,Contoso,mary@x.example,+49 170 1,,one\n' +
      'mary,müller,Fabrikam,MARY@x.example,,+49 30 2,two\n' +
      'Ann,A,,info@x.example,,,\n' +
      'Bob,B,,info@x.example,,,\n' +
      ',,,info@x.example,,,\n' +
      'Carl,C,Contoso,,,,\n' +
      'Carl,C,Contoso,,+1 2,,\n' +
      'Dora,D,,d1@x.example,+1 3,,\n' +
      'Dora,D,,d2@x.example,+1 3,,\n',
  )
  const merged = mergeDuplicates(contacts)
  assert.deepEqual(
    merged.contacts.map((c) => [c.displayName, c.emails.length, c.phones.length]),
    [
      ['Mary Müller', 1, 2],
      ['Ann A', 1, 0],
      ['Bob B', 1, 0],
      ['Carl C', 0, 1],
      ['Dora D', 1, 1],
      ['Dora D', 1, 1],
    ],
  )
  assert.deepEqual(merged.merged, [
    { lines: [2, 3], name: 'Mary Müller', lost: ['company: Fabrikam'] },
    { lines: [4, 6], name: 'Ann A', lost: [] },
    { lines: [7, 8], name: 'Carl C', lost: [] },
  ])
  assert.equal(merged.contacts[0]?.notes, 'one\ntwo')
})

const texts = fc.string({ unit: 'grapheme', maxLength: 100 }).map((text) => text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim())
const named = fc.record({ given: texts, family: texts, company: texts, notes: texts, title: texts, nickname: texts })

test('what is written is read again, whatever is in it', () => {
  fc.assert(
    fc.property(named, (some) => {
      const contact: Contact = { ...noContact, ...some, displayName: some.given || 'x' }
      assert.deepEqual(only(vcardOf(contact)), contact)
    }),
  )
  const written = vcardOf({ ...noContact, notes: 'ä'.repeat(500) })
  for (const line of written.split('\r\n')) assert.ok(Buffer.byteLength(line) <= 75)
})

test('nothing gets out of a value: no property, no cell that is a formula', () => {
  const hostile = only(
    'BEGIN:VCARD\nFN:=HYPERLINK("http://x")\nNOTE:a\\nEND:VCARD\\nBEGIN:VCARD\nTEL:+49 30 1\nEND:VCARD',
  )
  assert.equal(read(vcardOf(hostile)).contacts.length, 1)
  const csv = outlookCsv([hostile])
  assert.match(csv, /"'=HYPERLINK/)
  assert.match(csv, /,\+49 30 1,/)
  assert.deepEqual(said(only(csv.replace("'=", '='))).given, '=HYPERLINK("http://x")')
})

test('Outlook’s file is read again as it was', () => {
  const first = only(
    'First Name,Last Name,Company,Business Street,Business City,Mobile Phone,Birthday,E-mail Address,Notes\nMary,Müller,Contoso,"Street 1\n2nd floor",Köln,+49 170 1,1970-12-31,mary@x.example,"a\nb"\n',
  )
  assert.deepEqual(only(outlookCsv([first])), first)
})

test('Graph: what is empty is left out, and what has no place goes into the notes', () => {
  const contact = only(
    'First Name,E-mail Address,E-mail 2 Address,E-mail 3 Address,Email 4 Address,Pager,Birthday\nMary,a@x.example,b@x.example,c@x.example,d@x.example,99,1970-12-31\n',
  )
  assert.deepEqual(graphContact(contact), {
    displayName: 'Mary',
    givenName: 'Mary',
    emailAddresses: ['a', 'b', 'c'].map((user) => ({ name: 'Mary', address: `${user}@x.example` })),
    birthday: '1970-12-31T12:00:00Z',
    personalNotes: 'd@x.example\n99',
  })
})

test('days that can be two are none', () => {
  const days = ['1970-02-31', '3/4/1970', '13/4/1970', '4/4/1970', '31.12.1970', '0/0/00', '--12-31', '19701231']
  const found = days.map((day) => only(`Name,Birthday\nx,${day}\n`).birthday)
  assert.deepEqual(found, ['', '', '1970-04-13', '1970-04-04', '1970-12-31', '', '--12-31', '1970-12-31'])
})

test('any bytes give an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isCard) => {
      const { contacts, bad } = readContacts(Buffer.concat([Buffer.from(isCard ? 'BEGIN:VCARD\n' : ''), bytes]))
      assert.ok(contacts.length > 0 || bad.length > 0 || !isCard)
    }),
  )
})

test('a chain of strangers becomes no one person, and takes no time', () => {
  const rows = Array.from({ length: 3000 }, (_, i) => `Same,a${i}@x.example,a${i + 1}@x.example`)
  const chain = readContacts(Buffer.from(`Name,E-mail Address,E-mail 2 Address\n${rows.join('\n')}\n`))
  const { contacts } = mergeDuplicates(chain.contacts)
  assert.ok(contacts.length > 50, `${contacts.length} contacts`)
  assert.ok(Math.max(...contacts.map(({ emails }) => emails.length)) <= 52)
})
