/** A file system of its own for the program's data: small, and one that the power can be taken from. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './machine.ts'
import { undoAtExit } from './undo.ts'

export type Volume = Disposable & {
  /** Where it is mounted, and the folder in it that is the program's. */
  readonly root: string
  readonly data: string
  /** Drops everything that was not synced (the shutdown ioctl of ext4); from now on every write fails. */
  losePower(): void
  /** Mounts again what is on the disk. */
  powerOn(): void
}

export type VolumeOptions =
  | { readonly kind: 'ext4'; readonly megabytes: number }
  | { readonly kind: 'tmpfs'; readonly megabytes: number; readonly inodes?: number }

export function openVolume(o: VolumeOptions): Volume {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-volume-'))
  const root = join(dir, 'mount')
  const image = join(dir, 'image')
  mkdirSync(root)
  if (o.kind === 'ext4') {
    must('truncate', '-s', `${o.megabytes}M`, image)
    must('mkfs.ext4', '-q', '-F', image)
  }
  const mount = (): void => {
    if (o.kind === 'ext4') must('mount', '-o', 'loop', image, root)
    else must('mount', '-t', 'tmpfs', '-o', tmpfsOptions(o), 'tmpfs', root)
  }
  // Whoever takes a network of his own meanwhile (`ip netns exec`) has a copy of all mounts. Of a shared one it goes when ours goes;
  // otherwise it would keep the file system as it died, and mounting again would bring that one back.
  must('mount', '--bind', dir, dir)
  must('mount', '--make-shared', dir)
  mount()
  const done = undoAtExit(() => {
    must('umount', '-l', root)
    must('umount', '-l', dir)
    rmSync(dir, { recursive: true, force: true })
  })
  return {
    root,
    data: join(root, 'data'),
    losePower: () => void must('xfs_io', '-x', '-c', 'shutdown', root),
    powerOn() {
      must('umount', root)
      mount()
    },
    [Symbol.dispose]() {
      must('umount', root)
      must('umount', dir)
      rmSync(dir, { recursive: true, force: true })
      done()
    },
  }
}

function tmpfsOptions({ megabytes, inodes }: { readonly megabytes: number; readonly inodes?: number }): string {
  return [`size=${megabytes}m`, ...(inodes === undefined ? [] : [`nr_inodes=${inodes}`])].join(',')
}
