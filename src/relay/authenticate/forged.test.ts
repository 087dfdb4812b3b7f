import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHeader } from '../../mail/header/header.ts'
import { isForgedResults } from './forged.ts'

const isForged = (text: string, hostname = 'gw.example.net'): boolean =>
  parseHeader(text).fields.some((field) => isForgedResults(field, hostname))

test('what claims to be ours is found, however it is written', () => {
  for (const value of [
    'gw.example.net; spf=pass',
    'GW.Example.NET; spf=pass',
    'gw.example.net 1; spf=pass',
    'gw.example.net1; spf=pass',
    'gw.example.net',
    ' (a) gw.example.net (b (c)) 1 (d); spf=pass',
    '(gw.example.net; spf=pass',
    '"gw.example.net"; spf=pass',
    '"gw.\\example.net" ; spf=pass',
    'gw.(hidden)example.net; spf=pass',
    'gw.example.net.; spf=pass',
    'gw.example.net/1; spf=pass',
    'gw.example.net=; spf=pass',
    'gw.example.net, other.example; spf=pass',
    'gw.example.net spf=pass',
    '\r\n gw.example.net\r\n\t; spf=pass',
    'gw\r\n .example.net; spf=pass',
  ])
    assert.ok(isForged(`Authentication-Results: ${value}\r\n`), value)
  for (const name of ['AUTHENTICATION-RESULTS', 'Authentication-Results ', 'Authentication-Results\t'])
    assert.ok(isForged(`${name}: gw.example.net; spf=pass\r\n`), name)
  for (const line of ['\0Authentication-Results: gw.example.net;\r\n', ' Authentication-Results: gw.example.net;\r\n'])
    assert.ok(isForged(line), line)
})

test('what looks like ours to somebody who reads carelessly', () => {
  const utf8 = (text: string): string => Buffer.from(text).toString('latin1')
  for (const value of [
    '=?us-ascii?q?gw.example.net?=; spf=pass',
    '=?utf-8?b?Z3cuZXhhbXBsZS5uZXQ=?= 1; spf=pass',
    utf8('gw\u3002example\uff0enet; spf=pass'),
    utf8('\uff47w.example.net; spf=pass'),
    utf8('\u200bgw.example.net; spf=pass'),
    utf8('gw.exam\u00adple.net; spf=pass'),
    '\xa0gw.example.net; spf=pass',
    '<gw.example.net>; spf=pass',
    '[gw.example.net]; spf=pass',
    "'gw.example.net'; spf=pass",
    '; gw.example.net; spf=pass',
    ' ;; gw.example.net; spf=pass',
    'i=1; gw.example.net; spf=pass',
  ])
    assert.ok(isForged(`Authentication-Results: ${value}\r\n`), value)
})

test('in any spelling of the name', () => {
  const utf8 = Buffer.from('gw.bücher.example; spf=pass').toString('latin1')
  for (const value of [utf8, 'gw.xn--bcher-kva.example; x', Buffer.from('GW.BÜCHER.example').toString('latin1')])
    assert.ok(isForged(`Authentication-Results: ${value}\r\n`, 'gw.xn--bcher-kva.example'), value)
})

test('what others say stays', () => {
  for (const field of [
    'Authentication-Results: mx.other.example; spf=pass smtp.mailfrom=gw.example.net',
    'Authentication-Results: gw.example.net.evil.example; spf=pass',
    'Authentication-Results: agw.example.net; spf=pass',
    'Authentication-Results: gw.example.network; spf=pass',
    'Authentication-Results: other.example (gw.example.net); spf=pass',
    'Authentication-Results:',
    'Authentication-Results: ;;',
    'Authentication-Results: i=1; mx.other.example; spf=pass smtp.mailfrom=gw.example.net',
    "Authentication-Results: 'mx.gw.example.net'; spf=pass reason==?us-ascii?q?gw.example.net?=",
    'Authentication-Results-Original: gw.example.net; spf=pass',
    'ARC-Authentication-Results: i=1; gw.example.net; spf=pass',
    'X-Authentication-Results: gw.example.net; spf=pass',
    'Subject: gw.example.net; spf=pass',
  ])
    assert.ok(!isForged(`${field}\r\n`), field)
})

test('in linear time', () => {
  const before = performance.now()
  for (const value of [
    '('.repeat(200_000),
    '()'.repeat(100_000),
    '"'.repeat(200_000),
    '\\'.repeat(200_000),
    ' '.repeat(200_000),
  ])
    isForged(`Authentication-Results: ${value};gw.example.net\r\n`)
  assert.ok(performance.now() - before < 1000)
})
