import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { guardCell } from './guard-cell.ts'
import { escapeText, type TraceEvent, trackingLog } from './trace.ts'

const now = new Date('2026-11-23T12:00:00Z')
const at = Date.parse('2026-11-23T10:00:00.123Z')

/** Rows as objects, by the names in #Fields. */
function read(log: string): readonly Record<string, string>[] {
  const lines = log.split('\r\n')
  const names = (lines[4] ?? '').replace('#Fields: ', '').split(',')
  return parse(lines.slice(5).join('\r\n'), { columns: names, record_delimiter: '\r\n' })
}

function rowOf(event: Partial<TraceEvent>): Record<string, string> {
  const [row] = read(trackingLog([{ at, id: 'm1', kind: 'SEND', ...event }], now))
  assert.ok(row !== undefined)
  return row
}

describe('the tracking log', () => {
  test("begins with Exchange's header lines and fields", () => {
    const [software, version, type, date, fields] = trackingLog([], now).split('\r\n')
    assert.equal(software, '#Software: Microsoft Exchange Server')
    assert.match(version ?? '', /^#Version: 15\.01\.\d{4}\.\d{3}$/)
    assert.equal(type, '#Log-Type: Message Tracking Log')
    assert.equal(date, '#Date: 2026-11-23T12:00:00.000Z')
    assert.equal(
      fields,
      '#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,' +
        'internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,recipient-count,' +
        'related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,' +
        'tenant-id,original-client-ip,original-server-ip,custom-data,transport-traffic-type,log-id,schema-version',
    )
  })

  test('tells a delivery', () => {
    const row = rowOf({
      peer: 'fabrikam',
      direction: 'inside',
      client: '192.0.2.7',
      server: 'mx.fabrikam.example [2001:db8::1]:25',
      messageId: '<1@x.example>',
      sender: 'a@x.example',
      recipients: ['b@y.example', 'c@y.example'],
      reply: '250 2.6.0 ok; queued',
      bytes: 4096,
      subject: 'Hi, "you"',
      why: 'by the directory',
    })
    const wanted = {
      'date-time': '2026-11-23T10:00:00.123Z',
      source: 'SMTP',
      'event-id': 'SEND',
      'client-ip': '192.0.2.7',
      'server-ip': '2001:db8::1',
      'server-hostname': 'mx.fabrikam.example',
      'connector-id': 'fabrikam',
      'tenant-id': 'fabrikam',
      'message-id': '<1@x.example>',
      'network-message-id': 'm1',
      'recipient-address': 'b@y.example;c@y.example',
      'recipient-status': '250 2.6.0 ok, queued;250 2.6.0 ok, queued',
      'recipient-count': '2',
      'total-bytes': '4096',
      'message-subject': 'Hi, "you"',
      'return-path': 'a@x.example',
      directionality: 'Incoming',
      'source-context': 'by the directory',
    }
    for (const [name, value] of Object.entries(wanted)) assert.equal(row[name], value, name)
  })

  test('tells a rewritten recipient as a redirection, every other change as agent information', () => {
    const redirect = rowOf({
      kind: 'REWRITE',
      field: 'RCPT TO',
      old: 'b@shared.example',
      new: 'b@y.example',
      entry: 'b',
    })
    assert.equal(redirect['event-id'], 'REDIRECT')
    assert.equal(redirect['related-recipient-address'], 'b@shared.example')
    assert.equal(redirect['recipient-address'], 'b@y.example')
    const rewrite = rowOf({ kind: 'REWRITE', field: 'From', old: 'a;100%', new: 'b', entry: 'e', tableVersion: 7 })
    assert.equal(rewrite['event-id'], 'AGENTINFO')
    assert.equal(
      rewrite['custom-data'],
      'S:kind=REWRITE;S:field=From;S:old=a%3B100%25;S:new=b;S:entry=e;S:tableVersion=7',
    )
  })

  test('knows a word for each kind, direction and sender', () => {
    const eventId = (kind: TraceEvent['kind']): string | undefined => rowOf({ kind })['event-id']
    assert.deepEqual((['RECEIVE', 'DEFER', 'FAIL', 'REJECT', 'LOOP', 'SIGN', 'PLAN', 'AUTH'] as const).map(eventId), [
      'RECEIVE',
      'DEFER',
      'FAIL',
      'FAIL',
      'FAIL',
      'AGENTINFO',
      'AGENTINFO',
      'AGENTINFO',
    ])
    assert.deepEqual((['KEEP', 'HOLD', 'RELEASE', 'RETURN', 'DROP'] as const).map(eventId), [
      'AGENTINFO',
      'AGENTINFO',
      'AGENTINFO',
      'DSN',
      'DROP',
    ])
    assert.equal(rowOf({ sender: '' })['return-path'], '<>')
    assert.equal(rowOf({ peer: 'internet' }).directionality, 'Incoming')
    assert.equal(rowOf({ peer: 'contoso' }).directionality, 'Originating')
    assert.equal(rowOf({ peer: 'contoso', direction: 'outside' }).directionality, 'Originating')
    assert.equal(rowOf({}).directionality, 'Undefined')
  })

  test('is one line per event and reads back, whatever strangers wrote', () => {
    const text = fc.string({
      unit: fc.constantFrom('=', '"', ',', ';', '\r', '\n', '\t', '\0', ' ', 'a', "'", '\u202e', 'ü', '+'),
    })
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (subjects) => {
        const log = trackingLog(
          subjects.map((subject) => ({ at, id: 'm', kind: 'SEND', subject })),
          now,
        )
        assert.equal(log.split('\n').length, 5 + subjects.length + 1)
        const cells = read(log).map((row) => row['message-subject'])
        assert.deepEqual(cells, subjects.map(guardCell))
      }),
    )
  })
})

describe('a cell', () => {
  const formulas: readonly (readonly [string, string])[] = [
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
    ['@SUM(1+1)*cmd|x', "'@SUM(1+1)*cmd|x"],
    ['-2+3+cmd|', "'-2+3+cmd|"],
    ['+1', "'+1"],
    ['\t=1', "'\\u0009=1"],
    ['\r=1', "'\\u000d=1"],
    ['\n=1', "'\\u000a=1"],
    ['\0=1', "'\\u0000=1"],
    ['"=1+1"', '\'"=1+1"'],
    [' =1', "' =1"],
    [';=1', ";'=1"],
    ['a;"=1', 'a;\'"=1'],
    ['＝1', "'＝1"],
  ]
  for (const [text, guarded] of formulas) {
    test(`${JSON.stringify(text)} is no formula`, () => assert.equal(guardCell(text), guarded))
  }

  test('of everyday text stays as it is', () => {
    for (const text of ['', 'Hello', 'a@b.example;c@d.example', '<1@x.example>', 'x = 1', 'a-b+c', "it's"]) {
      assert.equal(guardCell(text), text)
    }
  })

  test('takes time in proportion to its length', () => {
    const started = performance.now()
    for (const unit of [';', '; ', '"', ' ', ';"', "'"]) guardCell(unit.repeat(200_000))
    assert.ok(performance.now() - started < 2000)
  })
})

test('text of strangers is escaped where it would act', () => {
  const examples: readonly (readonly [string, string])[] = [
    ['plain ü 漢 😀 text', 'plain ü 漢 😀 text'],
    ['\x1b]0;x\x07', '\\u001b]0;x\\u0007'],
    ['a\r\n{"level":"info"', 'a\\u000d\\u000a{"level":"info"'],
    ['\u202egpj.exe', '\\u202egpj.exe'],
    ['\x85\x9b\x7f', '\\u0085\\u009b\\u007f'],
    ['\u2028\u200b\ufeff', '\\u2028\\u200b\\ufeff'],
    ['\ud800', '\\ud800'],
    ['\u{e0041}', '\\u{e0041}'],
  ]
  for (const [text, escaped] of examples) assert.equal(escapeText(text), escaped)
})
