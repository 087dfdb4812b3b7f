/** The text of a DKIM-Signature field, RFC 6376 section 3.5, folded at 78 columns where the grammar lets it. */
import type { Algorithm } from './sign.ts'

export type SignatureTags = {
  readonly algorithm: Algorithm
  readonly domain: string
  readonly selector: string
  /** Seconds since 1970. */
  readonly at: number
  readonly expires: number | undefined
  readonly names: readonly string[]
  /** Base64. */
  readonly bodyHash: string
}

const columns = 78

/** The field with an empty b= and without its final CRLF: the form that is signed. */
export function unsignedField(tags: SignatureTags): string {
  const expires = tags.expires === undefined ? [] : [`x=${tags.expires};`]
  const words = [
    'v=1;',
    `a=${tags.algorithm};`,
    'c=relaxed/relaxed;',
    `d=${tags.domain};`,
    `s=${tags.selector};`,
    `t=${tags.at};`,
    ...expires,
  ]
  return `${folded('DKIM-Signature:', words, ' ')}\r\n${namesLines(tags.names)}\r\n bh=${tags.bodyHash};\r\n b=`
}

export type ArcTags = Omit<SignatureTags, 'expires' | 'names' | 'bodyHash'> & { readonly instance: number }

/** RFC 8617 section 4.1.2: as a DKIM-Signature, without v= and with the instance in i=. */
export function unsignedArcSignature(tags: ArcTags & Pick<SignatureTags, 'names' | 'bodyHash'>): string {
  const words = [`i=${tags.instance};`, `a=${tags.algorithm};`, 'c=relaxed/relaxed;', ...place(tags)]
  return `${folded('ARC-Message-Signature:', words, ' ')}\r\n${namesLines(tags.names)}\r\n bh=${tags.bodyHash};\r\n b=`
}

/** RFC 8617 section 4.1.3. */
export function unsignedSeal(tags: ArcTags & { readonly cv: string }): string {
  const words = [`i=${tags.instance};`, `a=${tags.algorithm};`, ...place(tags), `cv=${tags.cv};`]
  return `${folded('ARC-Seal:', words, ' ')}\r\n b=`
}

const place = ({ domain, selector, at }: Pick<SignatureTags, 'domain' | 'selector' | 'at'>): readonly string[] => [
  `d=${domain};`,
  `s=${selector};`,
  `t=${at};`,
]

/** The whole field. White space inside b= counts for nothing (RFC 6376 section 3.7), so it is folded after signing. */
export function finishedField(unsigned: string, signature: Buffer): string {
  const chunks = signature.toString('base64').match(/.{1,74}/g) ?? []
  return `${unsigned}${chunks.join('\r\n ')}\r\n`
}

function namesLines(names: readonly string[]): string {
  const last = names.length - 1
  const words = names.map((name, index) => (index === last ? `${name};` : `${name}:`))
  return folded(' h=', words, '')
}

/** Words one after another; a word that would pass the edge begins a new line. */
function folded(start: string, words: readonly string[], gap: string): string {
  const lines: string[] = []
  let line = start
  for (const word of words) {
    const next = line + gap + word
    if (next.length <= columns) {
      line = next
      continue
    }
    lines.push(line)
    line = ` ${word}`
  }
  return [...lines, line].join('\r\n')
}
