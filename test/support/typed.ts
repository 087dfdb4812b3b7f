/** Commands as an operator types them, at a desk without a gateway around it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type RunningApi, startApi } from '../../src/api/api.ts'
import { runCli } from '../../src/cli/cli.ts'
import { type DeskStage, leaveAddress, setDesk } from './desk.ts'

export type Typed = {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly asked: readonly string[]
}

export type Terminal = AsyncDisposable & {
  readonly stage: DeskStage
  /** `answers` are what a person types; without them nobody can be asked. */
  type(command: string, ...answers: readonly string[]): Promise<Typed>
}

export async function setTerminal(): Promise<Terminal> {
  const stage = await setDesk()
  const api: RunningApi = await startApi(stage.desk, { host: '127.0.0.1', port: 0 })
  const leave = leaveAddress(join(stage.dir, 'data'), `http://127.0.0.1:${api.port}`)
  return {
    stage,
    async type(command, ...answers) {
      let [out, err] = ['', '']
      const asked: string[] = []
      const io = {
        out: (text: string) => void (out += text),
        err: (text: string) => void (err += text),
        isTerminal: answers.length > 0,
        ask: async (question: string) => answers[asked.push(question) - 1] ?? '',
        stopped: async () => {},
      }
      const startGateway = async () => assert.fail('no gateway is started here')
      const words = ['--data', join(stage.dir, 'data'), ...command.split(' ')]
      const code = await runCli({ io, startGateway, version: '0' }, words)
      return { code, out, err, asked }
    },
    async [Symbol.asyncDispose]() {
      await api.close()
      leave()
      await stage[Symbol.asyncDispose]()
    },
  }
}
