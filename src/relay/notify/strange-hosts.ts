/** Names in the words of a server that nobody here knows: which of them name one of its own machines? */

/** What its front ends are called is the same for all customers of Microsoft, tells nothing of one, and its support asks for it. */
const everybodys = [
  ...['outlook.com', 'office365.com', 'office.com', 'microsoft.com', 'exchangelabs.com', 'microsoftonline.com'],
  ...['aka.ms', 'outlook.cn', 'outlook.de', 'office365.us'],
]

/** Top-level domains that lead nowhere outside of a network (RFC 6762 appendix G, RFC 6761, and `internal`, which ICANN reserved). */
const privateOnes: ReadonlySet<string> = new Set(
  'local localdomain internal intranet private corp home lan domain ad test invalid'.split(' '),
)

/**
 * Does `name`, at this place of `words`, name a machine that the reader has no business with? There is no list of all domains, so a
 * name is what looks like one: rather one word of a sentence too many is hidden than the plan of somebody's network shown.
 */
export function isStrangeHost(words: string, at: number, name: string): boolean {
  const key = name.toLowerCase()
  const last = name.slice(name.lastIndexOf('.') + 1)
  if (privateOnes.has(last.toLowerCase())) return true
  // A version, an enhanced code; an address of a host is no name.
  if (!/^(?:[a-z]{2,24}|xn--[a-z0-9-]+)$/i.test(last)) return false
  // RESOLVER.ADR.RecipientNotFound and its kin, and `denied.Please`: Exchange's words, and a blank forgotten.
  if (/^[A-Z][a-z]/.test(last)) return false
  // smtp.mailfrom=, header.from= (RFC 8601 section 2.7).
  if (words[at + name.length] === '=') return false
  // A page of help, for everybody to read.
  if (words.slice(Math.max(0, at - 3), at) === '://') return false
  return !everybodys.some((domain) => key === domain || key.endsWith(`.${domain}`))
}
