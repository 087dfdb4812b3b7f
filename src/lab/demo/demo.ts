/**
 * The demo: two tenants share one domain on this machine, told for a reader who has never seen the product.
 *
 * Promises: answers true only when every check held; ends in well under a minute; leaves nothing behind.
 * Never: leaves loopback, or needs anything to be set up.
 * On failure: what did not hold stands in the table with what was seen instead; a gateway that does not start throws.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gatewayApi } from '../api-client.ts'
import type { StartGateway } from '../gateway.ts'
import { type Lab, publishDomain, startLab, tenantsSpf } from '../start.ts'
import { gatewayHost, john, johnShared, maryShared, pat, plan } from './cast.ts'
import { follow } from './follow.ts'
import { meeting } from './meeting.ts'
import { dayOneDayTwo } from './migration.ts'
import { move } from './move.ts'
import { paragraph, table } from './page.ts'
import { writeProject } from './project-file.ts'
import { answers, outward, split } from './shared-domain.ts'
import type { Stage } from './stage.ts'
import { stranger } from './stranger.ts'

export { plan } from './cast.ts'
export { writeProject } from './project-file.ts'

export type DemoOptions = {
  readonly startGateway: StartGateway
  readonly out: (text: string) => void
  /** Leaves everything running to play with until this resolves. */
  readonly keep?: (() => Promise<void>) | undefined
}

export async function runDemo(o: DemoOptions): Promise<boolean> {
  const started = performance.now()
  await using things = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'causeway-demo-'))
  things.defer(() => rm(dir, { recursive: true, force: true }))
  const lab = await startLab(plan)
  things.defer(() => lab.close())
  const stage = await openStage(o, lab, dir, things)
  introduce(stage)
  await play(stage)
  const held = conclude(stage, performance.now() - started)
  if (o.keep !== undefined) {
    playOn(stage)
    await o.keep()
  }
  return held
}

async function openStage(o: DemoOptions, lab: Lab, dir: string, things: AsyncDisposableStack): Promise<Stage> {
  const gateway = await o.startGateway({
    dataDir: join(dir, 'data'),
    smtp: [{ host: '127.0.0.1', port: 0 }],
    http: { host: '127.0.0.1', port: 0 },
    projectFile: writeProject(dir, lab),
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
  const stage: Stage = {
    lab,
    gateway,
    api: gatewayApi(gateway, join(dir, 'data')),
    dir,
    out: o.out,
    checks: [],
    scene: 0,
  }
  await publish(stage)
  return stage
}

/** What the owner of the domains does in DNS: MX, SPF and DMARC of the shared domain, the DKIM keys that the gateway made. */
async function publish({ lab, api }: Stage): Promise<void> {
  publishDomain(lab.dns, 'shared.example', gatewayHost, `ip4:127.0.0.1 include:${tenantsSpf}`)
  for (const domain of ['shared.example', 'source.example', 'target.example']) {
    for (const { name, text } of await api.makeDkim(domain)) lab.dns.add({ name, type: 'TXT', text })
  }
}

function introduce({ out, gateway, dir, lab }: Stage): void {
  out('Causeway: several mail systems share one domain\n===============================================\n\n')
  out(
    paragraph(`Everything below happens now, on this machine: four simulated Microsoft 365 tenants, an outside world with its own mail server, a DNS server, and one
      Causeway between them. Lines that differ are marked with *.`),
  )
  out('\n')
  const [at] = gateway.smtp
  out(
    table([
      ['Causeway', `127.0.0.1:${at?.port}`, `API ${gateway.http.url}`],
      ...lab.tenants.map(({ plan: its, tenant }) => [
        its.name,
        its.domains.join(),
        `${tenant.hostname}:${tenant.port}`,
      ]),
      ['outside', plan.outside.domains.join(', '), `${lab.outside.hostname}:${lab.outside.port}`],
    ]),
  )
  out(`\nProject file: ${join(dir, 'project.yaml')}\n`)
}

async function play(stage: Stage): Promise<void> {
  const { johns, marys } = await outward(stage)
  await answers(stage, johns, marys)
  await split(stage)
  await dayOneDayTwo(stage)
  await meeting(stage)
  await move(stage)
  await stranger(stage)
  await follow(stage, johns)
}

function conclude({ checks, out }: Stage, ms: number): boolean {
  const failed = checks.filter((each) => !each.held)
  out('\nWhat was checked\n----------------\n')
  out(table(checks.map((each) => [`${each.scene}`, each.held ? 'ok' : 'FAILED', each.what])))
  out(`\n${checks.length - failed.length} of ${checks.length} held, in ${(ms / 1000).toFixed(1)} s.\n`)
  return failed.length === 0 && checks.length > 0
}

function playOn({ out, gateway, dir }: Stage): void {
  const port = gateway.smtp[0]?.port
  const data = join(dir, 'data')
  const project = join(dir, 'project.yaml')
  out('\nEverything keeps running until Ctrl-C. Things to try in another terminal:\n\n')
  const tries = [
    ['write to Mary from outside', `swaks --server 127.0.0.1 --port ${port} --from ${pat.address} --to ${maryShared}`],
    ['try to relay', `swaks --server 127.0.0.1 --port ${port} --from ${johnShared} --to someone@elsewhere.example`],
    ['what happened', `bin/causeway --data ${data} trace --since 10m`],
    [
      'what would happen',
      `bin/causeway explain --project ${project} --peer tenant:tenant1 --from ${john.address} --to ${pat.address}`,
    ],
  ]
  out(tries.map(([what, command]) => `  ${what}:\n    ${command}\n`).join(''))
}
