/** The directory: who is where, and how the world sees them. A change is live with the next message. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { parseAddress } from '../mail/address/address.ts'
import {
  checkDirectory,
  type DirectoryChange,
  type Entry,
  type Found,
  move,
  type Project,
  type Result,
  type RoutingTable,
  readDirectoryFile,
  setMode,
} from '../project/project.ts'
import { type Actor, audited } from './audited.ts'
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
  api.post('/v1/directory', { schema: put, config: { changes: 'directory.change' } }, (request) =>
    take(desk, request, 'directory', request.body),
  )

  const file = z.object({
    file: z.string().describe('Absolute path of a CSV file on the machine of the gateway'),
    dryRun: z.boolean().default(false),
  })
  const load = { summary: 'Put all entries of a CSV file: all or nothing', body: file, response: { 200: changed } }
  api.post('/v1/directory/import', { schema: load, config: { changes: 'directory.import' } }, (request) => {
    const { entries, found } = readDirectoryFile(request.body.file)
    if (request.body.dryRun) return tried(desk, { put: entries }, found)
    return take(desk, request, request.body.file, { put: entries }, found)
  })

  const mode = z.object({ address: z.string(), mode: z.enum(['None', 'DayOne', 'DayTwo', 'Done']) })
  const set = { summary: 'How one person is shown, and where she lives', body: mode, response: { 200: changed } }
  api.post('/v1/directory/mode', { schema: set, config: { changes: 'directory.mode' } }, (request) =>
    change(desk, request, request.body.address, (project) => setMode(project, request.body.address, request.body.mode)),
  )

  const moved = z.object({ address: z.string(), tenant: z.string() })
  const moving = { summary: 'One person lives in another tenant from now on', body: moved, response: { 200: changed } }
  api.post('/v1/directory/move', { schema: moving, config: { changes: 'directory.move' } }, (request) =>
    change(desk, request, request.body.address, (project) => move(project, request.body.address, request.body.tenant)),
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

function change(
  desk: Desk,
  request: FastifyRequest,
  address: string,
  make: (project: Project) => Result<DirectoryChange>,
) {
  const made = make(currentProject(desk))
  if (!made.ok) throw refused(made)
  return take(desk, request, address, made.value, { problems: [], warnings: made.warnings })
}

/** Takes the change, unless something is wrong with it or was `found` to be wrong when it was read. */
function take(desk: Desk, request: FastifyRequest, object: string, wanted: DirectoryChange, found?: Found) {
  const was = currentProject(desk).table
  const work = ({ by }: Actor) => {
    const next = desk.live.change(wanted, by, found)
    if (!next.ok) throw refused(next)
    const { version, size } = next.value.table
    return { version, size, warnings: next.warnings }
  }
  const person = (table: RoutingTable): string => personText(table, object)
  return audited(desk, request, object, work, ({ version, size }) => ({
    before: `table version ${was.version}, ${was.size} entries${person(was)}`,
    after: `table version ${version}, ${size} entries${person(currentProject(desk).table)}\n${changeText(wanted)}`,
  }))
}

function tried(desk: Desk, wanted: DirectoryChange, found: Found) {
  const next = currentProject(desk).table.with(wanted, found)
  if (!next.ok) throw refused(next)
  const { version, size } = next.value
  return { version, size, warnings: next.warnings }
}

/** Of a change of one person, how she is shown. */
function personText(table: RoutingTable, object: string): string {
  const address = parseAddress(object)
  const person = address === undefined ? undefined : table.person(address)
  return person === undefined ? '' : `\n${person.internal} -> ${person.external}`
}

/** Of many entries the first ones; the history of the project has them all. */
function changeText({ put = [], remove = [] }: DirectoryChange): string {
  const few = { put: put.slice(0, 20).map(({ source: _, ...entry }) => entry), remove: remove.slice(0, 20) }
  return `put ${put.length}, removed ${remove.length}: ${JSON.stringify(few)}`
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
