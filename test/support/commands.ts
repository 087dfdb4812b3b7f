/** A gateway with the project of test/cli, and a next hop that takes everything: for tests of the commands and of the API. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryRoot } from '../../tools/source-tree.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { type Peer, startPeer } from './scripted-smtp.ts'

export type Stage = AsyncDisposable & {
  readonly gateway: Gateway
  readonly hop: Peer
  /** Holds the project file and what it names. */
  readonly dir: string
  readonly project: string
  /** Ends the gateway and starts it again on what it left. */
  restart(): Promise<Gateway>
}

/** The files of test/cli in `dir`. The path of the project file. */
export function layProject(dir: string, hopPort: number): string {
  cpSync(join(repositoryRoot, 'test/cli'), dir, { recursive: true })
  writeFileSync(join(dir, 'tenant1.key'), 'only-tenant1-knows\n')
  const file = join(dir, 'project.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('${hop}', String(hopPort)))
  return file
}

export async function setStage(): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-'))
  const hop = await startPeer()
  const project = layProject(dir, hop.port)
  const options = { data: join(dir, 'data'), project }
  let gateway = await startGateway(options)
  return {
    get gateway() {
      return gateway
    },
    hop,
    dir,
    project,
    async restart() {
      await gateway.stop()
      gateway = await startGateway(options)
      return gateway
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      await hop.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
