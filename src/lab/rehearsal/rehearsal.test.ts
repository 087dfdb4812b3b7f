import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { loadProject } from '../../project/project.ts'
import { plan as demoPlan, writeProject } from '../demo/demo.ts'
import { startLab } from '../start.ts'
import { uselessGateway } from '../useless-gateway.ts'
import { labPlanFor } from './plan.ts'
import { runRehearsal } from './rehearsal.ts'

describe('a rehearsal of a project', () => {
  let dir = ''
  let projectFile = ''
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'causeway-test-'))
    const lab = await startLab(demoPlan)
    projectFile = writeProject(dir, lab)
    await lab.close()
  })
  after(() => rm(dir, { recursive: true }))

  test('each tenant gets the people whom the directory places there, and hands over who lives elsewhere', () => {
    const loaded = loadProject(projectFile)
    assert.ok(loaded.ok)
    const plan = labPlanFor(loaded.value)
    const people = plan.tenants.map((tenant) => tenant.people.map((each) => each.person.address).join())
    assert.deepEqual(people, [
      'john.smith@tenant1.example',
      'mary.jones@tenant2.example',
      'ann@source.example',
      'bob@target.example',
    ])
    assert.deepEqual(
      plan.tenants.map((tenant) => tenant.redirected?.join()),
      ['', 'john.smith@tenant2.example', 'bob@source.example', 'ann@target.example'],
    )
    assert.equal(plan.tenants[1]?.secret?.header, 'X-Causeway-Key')
  })

  test('what does not hold is told', async () => {
    let text = ''
    const until = () => Promise.resolve()
    assert.equal(
      await runRehearsal({ projectFile, startGateway: uselessGateway, out: (more) => (text += more), until }),
      false,
    )
    assert.match(text, /FAILED {2}john\.smith@tenant1\.example is john\.smith@shared\.example outside/)
    assert.match(text, /its message did not arrive outside: 451 4\.7\.5 /)
  })

  test('a project that does not load starts nothing', async () => {
    let text = ''
    const bad = join(dir, 'bad.yaml')
    await writeFile(bad, 'name: x\n')
    const startGateway = () => Promise.reject(new Error('must not be started'))
    assert.equal(
      await runRehearsal({
        projectFile: bad,
        startGateway,
        out: (more) => (text += more),
        until: () => Promise.resolve(),
      }),
      false,
    )
    assert.match(text, /bad\.yaml/)
  })
})
