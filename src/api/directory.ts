/** The directory: who is where, and how the world sees them. A change is live with the next message. */
import { z } from 'zod'
import {
  checkDirectory,
  type DirectoryChange,
  type Entry,
  type Found,
  move,
  type Project,
  type Result,
  readDirectoryFile,
  setMode,
} from '../project/project.ts'
import type { Api, Desk } from './desk.ts'
import { Problem } from './problem.ts'
import { currentProject } from './project.ts'

const entrySchema = z.object({
  id: z.string(),
  internal: z.string(),
  external: z.string(),
  aliases: z.array(z.string()).readonly(),
  outboundOnly: z.boolean(),
  except: z.array(z.string()).readonly(),
})
const problem = z.object({ file: z.string(), line: z.number(), text: z.string(), remedy: z.string() })
const changed = z.object({ version: z.number(), size: z.number(), warnings: z.array(problem).readonly() })
const listQuery = z.object({
  contains: z.string().default('').describe('Part of an address'),
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
})

export function directoryResource(api: Api, desk: Desk): void {
  const list = {
    summary: 'Entries, in the order of the directory',
    querystring: listQuery,
    response: { 200: z.object({ size: z.number(), entries: z.array(entrySchema) }) },
  }
  api.get('/v1/directory', { schema: list }, ({ query }) => {
    const { table } = currentProject(desk)
    const wanted = [...table.entries()].filter((entry) => mentions(entry, query.contains.toLowerCase()))
    return { size: wanted.length, entries: wanted.slice(query.offset, query.offset + query.limit).map(shown) }
  })

  const check = {
    summary: 'What an operator should look at',
    response: { 200: z.object({ warnings: z.array(problem).readonly() }) },
  }
  api.get('/v1/directory/check', { schema: check }, () => ({ warnings: checkDirectory(currentProject(desk)) }))

  const put = { summary: 'Put or remove entries: all or nothing', body: changeSchema, response: { 200: changed } }
  api.post('/v1/directory', { schema: put }, ({ body }) => take(desk, body))

  const file = z.object({
    file: z.string().describe('Absolute path of a CSV file on the machine of the gateway'),
    dryRun: z.boolean().default(false),
  })
  const load = { summary: 'Put all entries of a CSV file: all or nothing', body: file, response: { 200: changed } }
  api.post('/v1/directory/import', { schema: load }, ({ body }) => {
    const { entries, found } = readDirectoryFile(body.file)
    return take(desk, { put: entries }, found, body.dryRun)
  })

  const mode = z.object({ address: z.string(), mode: z.enum(['None', 'DayOne', 'DayTwo', 'Done']) })
  const set = { summary: 'How one person is shown, and where she lives', body: mode, response: { 200: changed } }
  api.post('/v1/directory/mode', { schema: set }, ({ body }) =>
    change(desk, (project) => setMode(project, body.address, body.mode)),
  )

  const moved = z.object({ address: z.string(), tenant: z.string() })
  const moving = { summary: 'One person lives in another tenant from now on', body: moved, response: { 200: changed } }
  api.post('/v1/directory/move', { schema: moving }, ({ body }) =>
    change(desk, (project) => move(project, body.address, body.tenant)),
  )
}

const changeSchema = z.object({
  put: z
    .array(
      z.object({
        internal: z.string(),
        external: z.string(),
        aliases: z.array(z.string()).optional(),
        outboundOnly: z.boolean().optional(),
        name: z.string().optional(),
        mode: z.enum(['None', 'DayOne', 'DayTwo', 'Done']).optional(),
        except: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  remove: z.array(z.string()).optional(),
})

function change(desk: Desk, make: (project: Project) => Result<DirectoryChange>) {
  const made = make(currentProject(desk))
  if (!made.ok) throw refused(made)
  return take(desk, made.value, { problems: [], warnings: made.warnings })
}

/** Takes the change, unless something is wrong with it or was `found` to be wrong when it was read. */
function take(desk: Desk, wanted: DirectoryChange, found?: Found, isDryRun = false) {
  const { table } = currentProject(desk)
  const next = isDryRun ? table.with(wanted, found) : desk.live.change(wanted, 'api', found)
  if (!next.ok) throw refused(next)
  const { version, size } = 'table' in next.value ? next.value.table : next.value
  return { version, size, warnings: next.warnings }
}

const refused = (result: Extract<Result<unknown>, { ok: false }>): Problem =>
  new Problem(422, 'the directory is not changed', 'correct what stands below and try again', result.problems)

const mentions = (entry: Entry, part: string): boolean =>
  part === '' ||
  [entry.id, entry.internal, entry.external, ...entry.aliases].some((text) => text.toLowerCase().includes(part))

const shown = ({ id, internal, external, aliases, outboundOnly, except }: Entry) => ({
  id,
  internal,
  external,
  aliases,
  outboundOnly,
  except,
})
