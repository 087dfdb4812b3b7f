/** After the final pass: do both sides hold the same, message by message? */
import { copyOptions, type Ends, type Errand } from './errand.ts'
import { setComparison } from './mailboxes.ts'
import { some } from './plural.ts'

/** undefined: they agree, or it was not asked for; otherwise what to say. */
export async function proofOf(errand: Errand, ends: Ends): Promise<string | undefined> {
  const { ground, settings, mailbox, signal } = errand
  if (!settings.compare) return undefined
  const { source, target } = ends
  const options = copyOptions(settings, mailbox)
  const compared = await ground.engine.compareMailboxes({ source, target, options, signal })
  if (compared.kind !== 'compared') return 'the comparison of both sides was not brought to its end'
  const { isEqual, differences, moreDifferences, source: from, target: to } = compared
  setComparison(
    ground.db,
    mailbox.id,
    JSON.stringify({ isEqual, source: from, target: to, differences: differences.slice(0, 1000), moreDifferences }),
  )
  return isEqual ? undefined : `both sides differ in ${some(differences.length + moreDifferences, 'place')}`
}
