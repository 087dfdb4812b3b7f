/** Made-up projects, people and messages for property tests. A made-up message knows what it must become. */
import fc from 'fast-check'
import type { Project } from '../../src/project/project.ts'
import { projectOf } from './relay-values.ts'

export type Person = { readonly internal: string; readonly external: string; readonly aliases: readonly string[] }
export type World = { readonly project: Project; readonly people: readonly Person[] }

const tenants = ['one', 'two', 'three'] as const

/** Local parts that no two people share. */
const locals = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9_'!#$-]{0,8}(?:\.[a-z0-9]{1,4})?$/), {
  minLength: 1,
  maxLength: 8,
})
const choices = fc.tuple(fc.constantFrom(...tenants), fc.constantFrom(...tenants, 'shared'), fc.boolean())

/** People with an address in a tenant, one for the world, which may be the same, and some with an old one. */
const people: fc.Arbitrary<readonly Person[]> = locals.chain((names) =>
  fc.tuple(...names.map((name) => choices.map((choice) => person(name, ...choice)))),
)

function person(name: string, home: string, world: string, hasAlias: boolean): Person {
  return {
    internal: `${name}@${home}.example`,
    external: `${name}@${world}.example`,
    aliases: hasAlias ? [`${name}@old.example`] : [],
  }
}

/** Beside the people: a domain entry, wide to broad, and a wildcard for the way out, all under many to flat. */
export const worlds: fc.Arbitrary<World> = fc
  .record({
    all: people,
    kind: fc.constantFrom('exchange-online', 'smtp'),
    outbound: fc.constantFrom('return', 'direct', { smarthost: { host: 'smart.example' } }),
    fields: fc.constantFrom('full', 'edge'),
  })
  .map(({ all, kind, outbound, fields }) => {
    const tenant = (name: string, domains = [`${name}.example`]) => ({
      ...{ name, kind, domains, outbound },
      ...{ from: { certificate: [`${name}.example`] }, to: { host: `mx.${name}.example` } },
    })
    const document = {
      name: 'made up',
      gateway: { hostname: 'gw.example.net' },
      tenants: [
        ...tenants.map((name) => tenant(name)),
        tenant('wide', ['wide.example', 'a.many.example', 'b.many.example']),
      ],
      directory: [
        ...all,
        { internal: '@wide.example', external: '@broad.example' },
        { internal: '*.many.example', external: '@flat.example', outboundOnly: true },
      ],
      domains: [
        ...['shared', 'old', 'broad', ...tenants].map((name) => ({ name: `${name}.example` })),
        { name: 'flat.example', unknown: { tenant: 'wide' } },
      ],
      policy: { fields, ambiguousFrom: 'pass' },
    }
    return { project: projectOf(JSON.stringify(document)), people: all }
  })

/** An address as somebody writes it, and what it must be seen from outside and from inside. */
export type Written = { readonly text: string; readonly outside: string; readonly inside: string }

const same = (text: string): Written => ({ text, outside: text, inside: text })

/** Addresses of the people, tagged at times, of domains that are mapped, and of strangers. */
export function written(all: readonly Person[]): fc.Arbitrary<Written> {
  const tags = fc.constantFrom('', '', '+news', '+a+b')
  const known = fc.tuple(fc.constantFrom(...all), fc.nat(2), tags).map(([p, which, tag]) => {
    const tagged = (address: string) => address.replace('@', `${tag}@`)
    return {
      text: tagged([p.internal, p.external, ...p.aliases][which] ?? p.internal),
      outside: tagged(p.external),
      inside: tagged(p.internal),
    }
  })
  const anybody = fc.stringMatching(/^[A-Za-z0-9]{1,9}$/)
  const byDomain = fc.tuple(anybody, fc.boolean()).map(([name, isIn]) => ({
    text: `${name}@${isIn ? 'wide' : 'broad'}.example`,
    outside: `${name}@broad.example`,
    inside: `${name}@wide.example`,
  }))
  const flattened = anybody.map((name) => ({ ...same(`${name}@a.many.example`), outside: `${name}@flat.example` }))
  const strangers = fc
    .constantFrom('zoe@outside.example', '"odd one"@x.example', 'a@[192.0.2.1]', 'SRS0=a=b=c=d@one.example')
    .map(same)
  return fc.oneof(known, known, byDomain, flattened, strangers)
}

/** A header field in pieces: text that must stay, and addresses. */
export type Piece = string | Written
export type MadeUpField = { readonly name: string; readonly pieces: readonly Piece[] }

const names = fc.constantFrom('', 'John ', '"Doe, \\"J\\" <x@y>" ', '=?utf-8?q?J=C3=B6rg?=  ', 'J\u00f6\u00ff (x) ')
const around = fc.constantFrom('', ' ', '\r\n ', '\r\n\t', ' (a (nested) comment, with @ and <>) ')
const fieldNames = fc.constantFrom(
  'From',
  'to',
  'CC',
  'Reply-To',
  'Sender',
  'Bcc',
  'Resent-To',
  'Errors-To',
  'X-Other',
  'Message-ID',
)

function mailbox(address: fc.Arbitrary<Written>): fc.Arbitrary<readonly Piece[]> {
  const plain = fc.tuple(around, address, around)
  const named = fc.tuple(around, names, address, around).map(([a, n, w, b]) => [a, n, '<', w, '>', b])
  return fc.oneof(plain, named)
}

export function fieldsOf(all: readonly Person[]): fc.Arbitrary<readonly MadeUpField[]> {
  const list = fc
    .array(mailbox(written(all)), { minLength: 1, maxLength: 4 })
    .map((boxes) => boxes.flatMap((box, i): readonly Piece[] => (i === 0 ? box : [',', ...box])))
  // Two From fields, or several authors without a Sender, are nobody's to change: they stay as they came.
  const one = mailbox(written(all)).map(withoutSecondReading)
  const field = fieldNames.chain((name) => (isFrom(name) ? one : list).map((pieces) => ({ name, pieces })))
  return fc
    .array(field, { minLength: 1, maxLength: 6 })
    .filter((fields) => fields.filter(({ name }) => isFrom(name)).length <= 1)
}

/** A comment of From in which some program finds an at sign is nobody's to change, either. */
const withoutSecondReading = (pieces: readonly Piece[]): readonly Piece[] =>
  pieces.map((piece) => (typeof piece === 'string' ? piece.replace('with @ and <>', 'with <>') : piece))

const isFrom = (name: string): boolean => /^from$/i.test(name.trim())

/** Bytes that look enough like mail to lead a reader far. */
export const mailLike: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'From: ',
        'To:',
        'Cc : ',
        'Content-Type: ',
        'multipart/mixed; boundary=b',
        'text/calendar',
        'message/rfc822',
      ),
      fc.constantFrom(
        '\r\n',
        '\r\n\r\n',
        '\r\n ',
        '\n',
        '\r',
        '\0',
        '--b\r\n',
        '--b--',
        'multipart/report; boundary="b"',
      ),
      fc.constantFrom(
        'john@one.example',
        '<',
        '>',
        '(',
        ')',
        '"',
        '\\',
        ',',
        ';',
        ':',
        '@',
        '=?utf-8?q?',
        'message/delivery-status',
      ),
      fc.constantFrom(
        'Content-Transfer-Encoding: base64\r\n',
        'quoted-printable',
        'ORGANIZER:mailto:',
        'Final-Recipient: rfc822;',
      ),
      fc.constantFrom('Received: by gw.example.net', 'X-Causeway-Pass: ', 'Sender:', 'Resent-To: '),
      fc.uint8Array({ maxLength: 8 }).map((b) => Buffer.from(b).toString('latin1')),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'))
