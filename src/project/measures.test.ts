import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSize, readSpan, sizeText, spanText } from './measures.ts'

test('spans are read, and written in the largest unit that says them exactly', () => {
  for (const [text, ms] of [
    ['90m', 5_400_000],
    ['4h', 14_400_000],
    ['2d', 172_800_000],
    ['0m', 0],
  ] as const) {
    assert.equal(readSpan(text), ms, text)
    assert.equal(readSpan(spanText(ms)), ms, text)
  }
  assert.equal(spanText(172_800_000), '2d')
  assert.equal(spanText(5_400_000), '90m')
  for (const wrong of ['', '4', 'h', '4 h', '-4h', '4H', '1.5h', '4h30m', '4w', '1234567m', ' 4h', '4h\n'])
    assert.equal(readSpan(wrong), undefined, JSON.stringify(wrong))
})

test('sizes are read and written', () => {
  for (const [text, bytes] of [
    ['500MB', 500e6],
    ['1GB', 1e9],
    ['1500MB', 1.5e9],
    ['2TB', 2e12],
  ] as const) {
    assert.equal(readSize(text), bytes, text)
    assert.equal(sizeText(bytes), text)
  }
  assert.equal(readSize('1 GB'), 1e9)
  for (const wrong of ['', '1', 'GB', '1G', '1gb', '-1GB', '1.5GB', '10%', '1GiB'])
    assert.equal(readSize(wrong), undefined, JSON.stringify(wrong))
})
