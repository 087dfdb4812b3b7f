/** The project as a whole: shown, compared, applied. */
import { z } from 'zod'
import {
  type Difference,
  differencesText,
  loadProject,
  newlyHeld,
  type Project,
  projectText,
  type ServedDomain,
  servedDomain,
} from '../project/project.ts'
import { cameToText } from '../queue/queue.ts'
import { type Actor, audited } from './audited.ts'
import { type Api, type Desk, nothing } from './desk.ts'
import { Problem } from './problem.ts'

const difference = z.object({ path: z.string(), old: z.string().optional(), new: z.string().optional() })
const problem = z.object({ file: z.string(), line: z.number(), text: z.string(), remedy: z.string() })
const candidate = z.object({
  file: z.string().describe('Absolute path of the project file on the machine of the gateway'),
})
const comparison = z.object({ differences: z.array(difference).readonly(), warnings: z.array(problem).readonly() })

export function projectResource(api: Api, desk: Desk): void {
  const yaml = z.string().describe('A project file')
  const produces = ['application/yaml']
  const get = { summary: 'The project file as it would be written now', produces, response: { 200: yaml } }
  api.get('/v1/project', { schema: get }, (_, reply) => {
    reply.type('application/yaml; charset=utf-8')
    return projectText(currentProject(desk))
  })

  const compare = { summary: 'What applying this file would change', body: candidate, response: { 200: comparison } }
  api.post('/v1/project/differences', { schema: compare, config: { changes: nothing } }, ({ body }) => {
    const { value, warnings } = load(desk, body.file)
    return { differences: desk.live.differencesTo(value), warnings }
  })

  const apply = { summary: 'Apply this file: all of it or nothing', body: candidate, response: { 200: comparison } }
  api.put('/v1/project', { schema: apply, config: { changes: 'project.apply' } }, async (request) => {
    const { file } = request.body
    const { value, warnings } = load(desk, file)
    const before = desk.live.current()?.name ?? ''
    const ended: string[] = []
    const adopt = async ({ by }: Actor): Promise<readonly Difference[]> => {
      for (const name of newlyHeld(desk.live.current(), value)) {
        const order = await desk.queue.endRelease(name)
        if (order !== undefined) ended.push(`the release of ${name} ended: ${cameToText(order)}`)
      }
      const changed = desk.live.differencesTo(value)
      desk.live.adopt(value, by)
      return changed
    }
    const changed = await audited(desk, request, file, adopt, (all) => ({
      before,
      after: [differencesText(all), ...ended].join('\n'),
    }))
    return { differences: changed, warnings }
  })
}

export function currentProject(desk: Desk): Project {
  const project = desk.live.current()
  if (project === undefined) throw new Problem(409, 'no project is applied yet', 'causeway apply FILE')
  return project
}

export function knownDomain(project: Project, name: string): ServedDomain {
  const served = servedDomain(project, name)
  if (served === undefined) {
    const names = project.domains.map((d) => d.name).join(', ') || 'none'
    throw new Problem(
      404,
      `${name} is not a domain of the project`,
      `it serves ${names}; add it under \`domains\` and apply the file`,
    )
  }
  return served
}

function load(desk: Desk, file: string) {
  const loaded = loadProject(file, (name) => desk.vault.read('project', name))
  if (!loaded.ok)
    throw new Problem(
      422,
      `${file} is not applied`,
      'correct what stands below and try again; nothing was changed',
      loaded.problems,
    )
  return loaded
}
