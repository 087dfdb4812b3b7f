/**
 * `npm run test:move`: what the mailbox move promises, in its long form, one after the other. With names (`dovecot cyrus`) only these;
 * with `--short` the form that `npm test` runs. Exit code 1: something did not hold.
 */
import { proofs } from './proofs.ts'

const words = process.argv.slice(2)
const isShort = words.includes('--short')
const names = words.filter((word) => word !== '--short')
const unknown = names.filter((name) => !proofs.some(({ id }) => id === name))
if (unknown.length > 0) {
  console.error(`no such proof: ${unknown.join(', ')}; there are ${proofs.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}

for (const proof of proofs) {
  if (names.length > 0 && !names.includes(proof.id)) continue
  const why = proof.cannot?.()
  if (why !== undefined) {
    console.log(`${proof.id}: ${why}`)
    continue
  }
  console.log(`${proof.id}: ${proof.title} ...`)
  try {
    const { did, broken } = await proof.run({ isShort, say: (line) => console.log(`  ${line}`) })
    console.log(`${proof.id}: ${broken.length === 0 ? 'held' : 'BROKEN'}: ${did}`)
    for (const sentence of broken) console.log(`  ${sentence}`)
    if (broken.length > 0) process.exitCode = 1
  } catch (error) {
    console.log(`${proof.id}: BROKE OFF: ${error instanceof Error ? error.stack : String(error)}`)
    process.exitCode = 1
  }
}
