import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

/** A checkout in which npm, dpkg-query, apt-get and id are scripts that say in `calls` what they were asked. */
function checkout(
  t: TestContext,
  programs: Record<string, string>,
  packages = 'postfix postfix # a server\nbind9 named-of-nowhere # DNS\n',
) {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-setup-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['tools', 'bin']) mkdirSync(join(folder, name))
  copyFileSync(join(import.meta.dirname, 'setup.sh'), join(folder, 'tools/setup.sh'))
  writeFileSync(join(folder, 'package-lock.json'), '{}\n')
  writeFileSync(join(folder, 'tools/debian-packages.txt'), `# comment\n${packages}`)
  for (const [name, body] of Object.entries({ npm: npmThatInstalls, ...programs })) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\necho "${name} $*" >>"$CALLS"\n${body}\n`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  const calls = join(folder, 'calls')
  const policy = join(folder, 'policy-rc.d')
  // Only what POSIX has, so that the machine's own apt-get is out of reach; node_modules/.bin first, as npm sets it.
  const PATH = [join(folder, 'node_modules/.bin'), join(folder, 'bin'), posixOnly(folder)].join(':')
  return {
    folder,
    policy,
    run: (...args: readonly string[]) => {
      rmSync(calls, { force: true })
      const env = { PATH, CALLS: calls, POLICY_RC_D: policy }
      const { status, stdout, stderr } = spawnSync('/bin/sh', ['tools/setup.sh', ...args], {
        cwd: folder,
        env,
        encoding: 'utf8',
      })
      return { status, said: stdout + stderr, calls: existsSync(calls) ? readFileSync(calls, 'utf8') : '' }
    },
  }
}

const npmThatInstalls = 'rm -rf node_modules; mkdir -p node_modules/.bin; cp /bin/true node_modules/.bin/node'

function posixOnly(folder: string): string {
  const path = join(folder, 'posix')
  mkdirSync(path)
  for (const name of [
    'awk',
    'cat',
    'chmod',
    'cmp',
    'cp',
    'dirname',
    'grep',
    'ln',
    'mkdir',
    'mktemp',
    'mv',
    'paste',
    'rm',
    'sed',
    'tr',
    'true',
    'uname',
  ]) {
    writeFileSync(join(path, name), `#!/bin/sh\nPATH=/usr/bin:/bin exec ${name} "$@"\n`)
    chmodSync(join(path, name), 0o755)
  }
  return path
}

test('npm packages: installed once, and again only when the lock has changed', (t) => {
  const { folder, run } = checkout(t, {})
  assert.deepEqual(run(), { status: 0, said: 'setup: installing npm packages\n', calls: 'npm ci --no-progress\n' })
  assert.deepEqual(run(), { status: 0, said: '', calls: '' })
  writeFileSync(join(folder, 'package-lock.json'), '{"new":1}\n')
  assert.equal(run().calls, 'npm ci --no-progress\n')
  assert.deepEqual(run(), { status: 0, said: '', calls: '' })
})

test("npm packages: a failure is told in npm's words, and the next run tries again", (t) => {
  const { run } = checkout(t, { npm: 'echo no network; mkdir -p node_modules; exit 7' })
  const { status, said } = run()
  assert.equal(status, 1)
  assert.match(said, /no network\nsetup: npm ci failed/)
  assert.match(run().calls, /npm ci/)
})

test('npm packages: npm does not run on the Node that it is about to delete', (t) => {
  const { folder, run } = checkout(t, { npm: `echo "$PATH" >path; ${npmThatInstalls}` })
  run()
  assert.doesNotMatch(readFileSync(join(folder, 'path'), 'utf8'), /node_modules\/\.bin/)
})

test('without a pinned Node for the machine, its own is used when new enough, otherwise the remedy is told', (t) => {
  const npm = 'mkdir -p node_modules/.bin'
  assert.match(checkout(t, { npm, node: 'exit 1' }).run().said, /install Node 24\.15 or later/)
  const { folder, run } = checkout(t, { npm, node: 'exit 0' })
  assert.equal(run().status, 0)
  assert.ok(existsSync(join(folder, 'node_modules/.bin/node')))
  assert.equal(run().said, '')
})

test('Debian packages: nothing is said when all are there', (t) => {
  const { run } = checkout(t, { 'dpkg-query': 'echo installed' })
  run()
  assert.equal(run('tests').said, '')
})

test('Debian packages: root installs what is missing, and says so', (t) => {
  const programs = {
    'dpkg-query': 'case "$*" in *bind9) echo installed ;; *) echo config-files ;; esac',
    id: 'echo 0',
    'apt-get': '',
  }
  const { run } = checkout(t, programs)
  run()
  const { status, said, calls } = run('tests')
  assert.equal(status, 0)
  assert.equal(said, 'setup: installing Debian packages: postfix \n')
  assert.match(
    calls,
    /apt-get .*Lock::Timeout=120 update\n.*apt-get .*Lock::Timeout=120 install -y --no-install-recommends postfix\n/,
  )
})

test('Debian packages: what is installed does not start, and a policy of the machine is left alone', (t) => {
  const programs = { 'dpkg-query': 'exit 1', id: 'echo 0', 'apt-get': '"$POLICY_RC_D"; echo "policy $?" >>"$CALLS"' }
  const { run, policy } = checkout(t, programs)
  run()
  assert.match(run('tests').calls, /install.*\npolicy 101\n/)
  assert.equal(existsSync(policy), false)
  writeFileSync(policy, '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  assert.match(run('tests').calls, /install.*\npolicy 0\n/)
  assert.equal(existsSync(policy), true)
})

test('Debian packages: who is not root is told the one line to type', (t) => {
  const { run } = checkout(t, { 'dpkg-query': 'exit 1', id: 'echo 1000' })
  run()
  const { status, said } = run('tests')
  assert.equal(status, 1)
  assert.match(said, /\nsudo apt-get install -y --no-install-recommends postfix bind9 \n$/)
})

test('Debian packages: what cannot be installed beside others is unpacked, once', (t) => {
  const programs = {
    'dpkg-query': 'echo installed',
    'apt-get': ': >one.deb',
    dpkg: 'mkdir -p "$3/usr"; : >"$3/usr/imapd"',
  }
  const { folder, run } = checkout(t, programs, 'cyrus-imapd:unpacked - # conflicts\n')
  run()
  assert.match(run('tests').said, /^setup: unpacking the Debian package cyrus-imapd into .*cyrus-imapd\n$/)
  assert.ok(existsSync(join(folder, 'node_modules/.cache/debian/cyrus-imapd/usr/imapd')))
  assert.deepEqual(run('tests').said, '')
})

test('Debian packages: what could not be unpacked is told, and tried again the next time', (t) => {
  const programs = { 'dpkg-query': 'echo installed', 'apt-get': 'echo no such package; exit 100', dpkg: '' }
  const { run } = checkout(t, programs, 'cyrus-imapd:unpacked - # conflicts\n')
  run()
  for (let i = 0; i < 2; i += 1) {
    const { status, said } = run('tests')
    assert.equal(status, 0)
    assert.match(said, /no such package\nsetup: cyrus-imapd could not be had; the tests that need it will say so\n$/)
  }
})

test('Debian packages: on another system the programs are named, and the run goes on', (t) => {
  const { run } = checkout(t, { postfix: '' })
  run()
  const { status, said } = run('tests')
  assert.equal(status, 0)
  assert.match(said, /not a Debian machine; .*: named-of-nowhere \n$/)
})

test('an argument that it does not know is refused', (t) => {
  const { run } = checkout(t, {})
  assert.equal(run('test').status, 2)
})
