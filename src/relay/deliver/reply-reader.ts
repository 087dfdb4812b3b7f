/** RFC 5321 section 4.5.3.1.5 says 512; real servers go over, hostile ones far over. */
const maxLine = 2048
const maxReply = 64 * 1024

const replyLine = /^[2-5][0-5]\d(?:[ -]|$)/

/** Complete replies as lines (without line ends), and what was wrong with the bytes after them. */
export type Heard = { readonly replies: readonly (readonly string[])[]; readonly fault?: string }

/**
 * Cuts what a server sends into replies (RFC 5321 section 4.2.1), keeping at most one unfinished reply.
 * QUIRK: a bare LF ends a line too; several small servers send it.
 */
export class ReplyReader {
  #rest = ''
  #lines: string[] = []
  #size = 0

  /** Nothing of an unfinished reply is held. */
  get isEmpty(): boolean {
    return this.#rest === '' && this.#lines.length === 0
  }

  read(chunk: Buffer): Heard {
    const replies: string[][] = []
    const text = this.#rest + chunk.toString('latin1')
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const fault = this.#line(
        text.slice(start, text.charCodeAt(end - 1) === 13 && end > start ? end - 1 : end),
        replies,
      )
      if (fault !== undefined) return { replies, fault }
      start = end + 1
    }
    this.#rest = text.slice(start)
    if (this.#rest.length > maxLine) return { replies, fault: 'a line of its answer is too long' }
    return { replies }
  }

  #line(line: string, replies: string[][]): string | undefined {
    if (line.length > maxLine) return 'a line of its answer is too long'
    if (!replyLine.test(line)) return 'its answer is not SMTP'
    const [first] = this.#lines
    // RFC 5321 section 4.2.1: all lines of a reply carry the same code.
    if (first !== undefined && first.slice(0, 3) !== line.slice(0, 3)) return 'its answer has two codes'
    this.#size += line.length + 2
    if (this.#size > maxReply) return 'its answer does not end'
    this.#lines.push(line)
    if (line[3] === '-') return undefined
    replies.push(this.#lines)
    this.#lines = []
    this.#size = 0
    return undefined
  }
}
