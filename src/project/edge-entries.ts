/**
 * Address rewrite entries of the Exchange Edge server, as `New-AddressRewriteEntry` takes them and as the CSV files for
 * importing them are written (Microsoft, "Import address rewrite entries on Edge Transport servers").
 */
import type { Row } from './csv.ts'
import type { EntryText } from './entry.ts'
import { type Findings, problem } from './findings.ts'
import { show } from './names.ts'

export const edgeColumns = {
  required: ['Name', 'InternalAddress', 'ExternalAddress'],
  optional: ['ExceptionList', 'OutboundOnly'],
}

/** One reader for each file: `Name` is the identity of an entry on the Edge server, so no two may have the same. */
export function edgeReader(findings: Findings): (row: Row) => EntryText | undefined {
  const seen = new Map<string, number>()
  return (row) => {
    reportTwin(row, seen, findings)
    return edgeEntry(row, findings)
  }
}

function edgeEntry(row: Row, findings: Findings): EntryText | undefined {
  const before = findings.problems.length
  const wrong = (text: string, remedy: string): void => void findings.problems.push(problem(row.place, text, remedy))
  const [name, internal, external] = ['name', 'internaladdress', 'externaladdress'].map((column) => row.field(column))
  if (!name) wrong('Name is empty.', 'Give each entry a name of its own.')
  if (!internal) wrong('InternalAddress is empty.', 'Write an address, a domain, or *.domain.')
  if (!external) wrong('ExternalAddress is empty.', 'Write an address or a domain.')
  const outboundOnly = readTruth(row.field('outboundonly'))
  if (outboundOnly === undefined)
    wrong(
      `OutboundOnly is ${show(row.field('outboundonly'))}.`,
      'Write True or False, or leave it empty, which is False.',
    )
  if (!name || !internal || !external || findings.problems.length > before) return undefined
  return {
    name,
    internal: asSide(internal),
    external: asSide(external),
    outboundOnly: outboundOnly ?? false,
    except: row
      .field('exceptionlist')
      .split(/[,;]/)
      .map((domain) => domain.trim())
      .filter((domain) => domain !== ''),
    source: row.place,
  }
}

/** Edge writes a domain bare; here it stands behind an @. */
function asSide(text: string): string {
  return text.includes('@') || text.includes('*') ? text : `@${text}`
}

/** Not `$True`: the import parses the text, it does not run it. */
function readTruth(text: string): boolean | undefined {
  if (/^true$/i.test(text)) return true
  return /^(?:false)?$/i.test(text) ? false : undefined
}

function reportTwin(row: Row, seen: Map<string, number>, findings: Findings): void {
  const name = row.field('name').toLowerCase()
  const line = seen.get(name)
  if (line === undefined) seen.set(name, row.place.line)
  else if (name !== '')
    findings.problems.push(
      problem(
        row.place,
        `The name ${show(row.field('name'))} is taken by line ${line}.`,
        'Give each entry a name of its own.',
      ),
    )
}
