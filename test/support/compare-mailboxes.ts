/** Asks a program that is not ours whether mailboxes on two servers are the same. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export type Server = { readonly host: string; readonly port: number }
export type Person = { readonly user: string; readonly password: string }
export type Judged = {
  readonly user: string
  readonly folders: number
  readonly messages: number
  /** Nothing in it: every byte, flag, date and folder name is the same. */
  readonly differences: readonly unknown[]
}

export async function compareMailboxes(o: {
  readonly source: Server
  readonly target: Server
  readonly people: readonly { readonly source: Person; readonly target: Person }[]
  /** As the program takes them: `--map`, `Sent=Sent Items`, `--extra-ok`, `--no-flags`. */
  readonly options?: readonly string[]
}): Promise<readonly Judged[]> {
  const program = join(import.meta.dirname, 'compare-mailboxes.py')
  const at = ({ host, port }: Server): string => `${host}:${port}`
  const child = spawn('python3', [program, at(o.source), at(o.target), ...(o.options ?? [])], { stdio: 'pipe' })
  const lines = o.people.map(({ source: s, target: t }) => [s.user, s.password, t.user, t.password].join('\t'))
  child.stdin.end(`${lines.join('\n')}\n`)
  const [out, trouble] = await Promise.all([text(child.stdout), text(child.stderr)])
  const judged: readonly Judged[] = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  if (judged.length !== o.people.length) throw new Error(`the comparer ended early: ${trouble}`)
  return judged
}
