import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readContacts } from '../migrate/contacts/contacts.ts'
import { partedBySize } from './contacts.ts'

test('a contact that is too much for the gateway is told, and costs no others', () => {
  const card = (lines: string): string => `BEGIN:VCARD\r\nVERSION:3.0\r\n${lines}\r\nEND:VCARD\r\n`
  const many = Array.from({ length: 101 }, (_, i) => `EMAIL:a${i}@x.example`).join('\r\n')
  const cards = [card(`FN:Long\r\nNOTE:${'x'.repeat(70_000)}`), card('FN:Ann'), card(`FN:Many\r\n${many}`)]
  const { fit, tooMuch } = partedBySize(readContacts(Buffer.from(cards.join(''))).contacts.map((one) => one.contact))
  assert.deepEqual(
    fit.map(({ displayName }) => displayName),
    ['Ann'],
  )
  assert.deepEqual(
    tooMuch.map(({ name, why }) => [name, why.split(':')[0]]),
    [
      ['Long', 'notes'],
      ['Many', 'emails'],
    ],
  )
})
