/** Was the work done? Looks at messages that arrived: envelope and header rewritten, signature valid. */
import { fileURLToPath } from 'node:url'
import { innerDomain, outerDomain } from './letter.ts'
import { run } from './processes.ts'
import type { Arrived } from './sink-session.ts'

const verifier = fileURLToPath(new URL('verify-dkim.py', import.meta.url))

/** What is wrong with them; empty when nothing is. */
export async function checkSamples(samples: readonly Arrived[], dkimPublic: string): Promise<readonly string[]> {
  const messages = samples.map(({ raw = '' }) => Buffer.from(unstuffed(raw), 'latin1').toString('base64'))
  const asked = JSON.stringify({ key: dkimPublic, messages })
  const verdicts = (await run(['/usr/bin/python3', verifier], asked)).trim().split('\n')
  const invalid = samples.flatMap((_, i) => (verdicts[i] === 'valid' ? [] : [`DKIM: ${verdicts[i]}`]))
  return [...samples.flatMap(notRewritten), ...invalid]
}

/** Why signatures cannot be checked here. */
export async function verifierIsMissing(): Promise<string | undefined> {
  try {
    await run(['/usr/bin/python3', '-c', 'import dkim'])
    return undefined
  } catch {
    return 'python3-dkim is not installed: signatures are not checked'
  }
}

function notRewritten({ mailFrom, raw = '' }: Arrived): readonly string[] {
  const header = raw.slice(0, raw.indexOf('\r\n\r\n')).replaceAll(/\r\n[ \t]+/g, ' ')
  const wrong = ['From', 'To', 'Cc', 'Reply-To'].flatMap((name) => {
    const values = [...header.matchAll(new RegExp(`^${name}:(.*)$`, 'gim'))].map((match) => match[1] ?? '')
    const [value = ''] = values
    const isRight = values.length === 1 && value.includes(`@${outerDomain}`) && !value.includes(innerDomain)
    return isRight ? [] : [`${name}: ${values.join(' | ')}`]
  })
  return mailFrom.endsWith(`@${outerDomain}`) ? wrong : [`MAIL FROM: ${mailFrom}`, ...wrong]
}

/** The message without the final dot and the dots that were doubled for the wire (RFC 5321 section 4.5.2). */
const unstuffed = (raw: string): string => raw.slice(0, -3).replaceAll(/^\.\./gm, '.')
