// Every transcript of test/dialogues, each with a backend that answers at once and with one that answers later.

import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { play } from './dialogues/play.ts'

const folder = new URL('./dialogues/', import.meta.url)

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  const text = readFileSync(new URL(file, folder), 'utf8')
  for (const pace of ['at once', 'later'] as const) test(`${file}, backend answers ${pace}`, () => play(text, pace))
}
