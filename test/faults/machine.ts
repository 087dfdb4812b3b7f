/** What a fault needs of the machine, and why it is not to be had. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runTool } from '../support/program.ts'

const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

const packages = {
  strace: 'strace',
  xfs_io: 'xfsprogs',
  'mkfs.ext4': 'e2fsprogs',
  losetup: 'mount',
  ip: 'iproute2',
  tc: 'iproute2',
  prlimit: 'util-linux',
} as const
type Tool = keyof typeof packages

export const isRoot = (): boolean => process.getuid?.() === 0

export function lacks(...tools: readonly Tool[]): string | undefined {
  const absent = tools.filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))))
  return absent.length === 0
    ? undefined
    : `not here: ${absent.map((tool) => `${tool} (package ${packages[tool]})`).join(', ')}`
}

export const needsRoot = (what: string): string | undefined => (isRoot() ? undefined : `not here: ${what} is root's`)

/** The first reason of several. */
export const firstOf = (...whys: readonly (string | undefined)[]): string | undefined =>
  whys.find((why) => why !== undefined)

/** A container may forbid to trace. */
export function noTracing(): string | undefined {
  const missing = lacks('strace')
  if (missing !== undefined) return missing
  const { code } = runTool(['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'trace=fsync', 'true'])
  return code === 0 ? undefined : 'not here: processes may not be traced (ptrace)'
}

export function noLoopDevices(): string | undefined {
  const missing = firstOf(needsRoot('mounting'), lacks('losetup', 'mkfs.ext4'))
  if (missing !== undefined) return missing
  return runTool(['losetup', '-f']).code === 0 ? undefined : 'not here: no loop devices'
}

/** Runs it, and throws with its words when it fails. */
export function must(...argv: readonly string[]): string {
  const { code, out } = runTool(argv)
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${out}`)
  return out
}

/** Words in front of a command that let system calls fail or wait. `paths`: only calls about these files. */
export function injecting(
  injections: readonly string[],
  o: { readonly log?: string; readonly paths?: readonly string[] } = {},
): string[] {
  const names = [...new Set(injections.flatMap((each) => each.split(':')[0]?.split(',') ?? []))]
  return [
    'strace',
    '-f',
    '-qq',
    '--seccomp-bpf',
    '-o',
    o.log ?? '/dev/null',
    ...(o.paths ?? []).flatMap((path) => ['-P', path]),
    '-e',
    `trace=${names.join(',')}`,
    ...injections.flatMap((each) => ['-e', `inject=${each}`]),
  ]
}
