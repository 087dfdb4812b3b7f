/**
 * A rehearsal: a project file played with simulated tenants. For the first people of each tenant a message goes out and an
 * answer comes back, before a real connector is touched.
 *
 * Promises: uses the project's own directory, policies and secrets; the project and its files stay as they are.
 * Never: speaks to the real tenants or the real DNS, or uses the real keys.
 * On failure: a project that does not load is told with its problems, what did not hold stands in the table; both are false.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadProject, type Problem, type Project, problemText, type SecretSource } from '../../project/project.ts'
import { gatewayApi } from '../api-client.ts'
import type { RunningGateway, StartGateway } from '../gateway.ts'
import { addressesIn, fieldText } from '../letter/letter.ts'
import { type Lab, publishDomain, startLab, tenantsSpf } from '../start.ts'
import type { Submitted, User } from '../user/user.ts'
import { writeRehearsal } from './document.ts'
import { labPlanFor, visitor } from './plan.ts'

export type RehearsalOptions = {
  readonly projectFile: string
  /** The vault that the project speaks of. */
  readonly secrets?: SecretSource
  readonly startGateway: StartGateway
  readonly out: (text: string) => void
  /** Everything keeps running until this resolves. */
  readonly until: () => Promise<void>
}

/** Of each tenant. */
const peoplePlayed = 5

export async function runRehearsal(o: RehearsalOptions): Promise<boolean> {
  const loaded = loadProject(o.projectFile, o.secrets)
  tell(o, loaded.warnings)
  if (!loaded.ok) {
    tell(o, loaded.problems)
    return false
  }
  const project = loaded.value
  await using things = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'causeway-rehearsal-'))
  things.defer(() => rm(dir, { recursive: true, force: true }))
  const lab = await startLab(labPlanFor(project))
  things.defer(() => lab.close())
  const gateway = await openGateway(o, project, lab, dir, things)
  const held = await play(o, project, lab)
  o.out(
    `\nThe rehearsal runs until Ctrl-C: SMTP at 127.0.0.1:${gateway.smtp[0]?.port}, trace: bin/causeway --data ${join(dir, 'data')} trace --since 10m\n`,
  )
  await o.until()
  return held
}

function tell({ out }: RehearsalOptions, problems: readonly Problem[]): void {
  for (const problem of problems) out(`${problemText(problem)}\n`)
}

async function openGateway(
  o: RehearsalOptions,
  project: Project,
  lab: Lab,
  dir: string,
  things: AsyncDisposableStack,
): Promise<RunningGateway> {
  const { file, notes } = writeRehearsal(project, lab, dir)
  for (const note of notes) o.out(`note: ${note}\n`)
  const place = { host: '127.0.0.1', port: 0 }
  const gateway = await o.startGateway({
    dataDir: join(dir, 'data'),
    smtp: [place],
    http: place,
    projectFile: file,
    dnsServers: [lab.dns.address],
    workers: 1,
    logLevel: 'error',
  })
  things.defer(() => gateway.stop())
  // Closed before the gateway, which waits for clients that are still connected.
  things.defer(() => lab.close())
  const [at] = gateway.smtp
  if (at === undefined) throw new Error('the gateway does not listen')
  lab.connectGateway(at)
  const api = gatewayApi(gateway, join(dir, 'data'))
  const accepted = new Set(project.tenants.flatMap((tenant) => tenant.domains))
  for (const { name, dkim } of project.domains) {
    if (!accepted.has(name))
      publishDomain(lab.dns, name, project.gateway.hostname, `ip4:127.0.0.1 include:${tenantsSpf}`)
    if (dkim === undefined) continue
    for (const record of await api.makeDkim(name)) lab.dns.add({ name: record.name, type: 'TXT', text: record.text })
  }
  return gateway
}

async function play(o: RehearsalOptions, project: Project, lab: Lab): Promise<boolean> {
  let held = true
  for (const { plan, tenant } of lab.tenants) {
    o.out(`\n${plan.name}: ${plan.domains.join(', ')}\n`)
    if (plan.people.length === 0) o.out('  nobody in the directory has a mailbox here\n')
    for (const user of tenant.users.slice(0, peoplePlayed)) {
      const entry = [...project.table.entries()].find((each) => each.internal === user.person.address)
      const troubles = await thereAndBack(lab, user, entry?.external ?? user.person.address)
      o.out(
        `  ${troubles.length === 0 ? 'ok    ' : 'FAILED'}  ${user.person.address} is ${entry?.external ?? 'unchanged'} outside\n`,
      )
      for (const trouble of troubles) o.out(`          ${trouble}\n`)
      held &&= troubles.length === 0
    }
  }
  return held
}

/** One message out, one answer in; what was not as it should be, in sentences. */
async function thereAndBack(lab: Lab, user: User, external: string): Promise<readonly string[]> {
  const outside = lab.outside.user(visitor.address)
  const sent = await user.write({ to: [visitor], subject: 'Rehearsal', text: 'Rehearsal' })
  const got = await arrived(outside, sent)
  if (got === undefined) return [`its message did not arrive outside: ${words(sent)}`]
  const troubles: string[] = []
  const shown = addressesIn(got.raw, 'from').join()
  if (shown !== external) troubles.push(`the outside sees ${shown}`)
  if (got.verdict.dmarc !== 'pass') troubles.push(...got.verdict.words)
  const answer = await outside.answer(got, 'Rehearsal')
  if ((await arrived(user, answer)) === undefined) troubles.push(`the answer did not arrive: ${words(answer)}`)
  return troubles
}

async function arrived<T extends Parameters<User['answer']>[0]>(
  user: User<T>,
  sent: Submitted,
): Promise<T | undefined> {
  if (sent.results.every((result) => result.kind !== 'delivered')) return undefined
  return user.mailbox.waitFor((message) => fieldText(message.raw, 'message-id') === sent.messageId, 5000)
}

const words = (sent: Submitted): string => sent.results.map((result) => result.reply).join('; ') || 'nobody answered'
