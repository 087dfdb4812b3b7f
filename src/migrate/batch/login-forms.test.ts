import assert from 'node:assert/strict'
import { test } from 'node:test'
import { candidates, inOrder, mostTries } from './login-forms.ts'
import { loginSchema } from './settings.ts'

const row = { email: 'terry@new.example', userName: 'terry', userRoot: '', targetUserName: '', targetRoot: '' }
const secret = { password: 'old', targetPassword: 'new' }
const formsOf = (login: object, more: Partial<typeof row> = {}, side: 'source' | 'target' = 'source') =>
  candidates({ login: loginSchema.parse(login) }, side, { ...row, ...more }, secret, {
    adminPassword: 'top',
  })
const shown = (login: object, more: Partial<typeof row> = {}) => formsOf(login, more).map(({ shown: text }) => text)

test('a user with a password: as given, and with or without the domain', () => {
  const login = { kind: 'password' }
  assert.deepEqual(shown(login), ['terry', 'terry@new.example'])
  assert.deepEqual(shown(login, { userName: 'terry@old.example' }), ['terry@old.example', 'terry'])
  assert.deepEqual(shown(login, { userName: 'contoso\\terry' }), ['contoso\\terry', 'terry'])
  for (const name of ['Contoso/Admin/terry', 'terry*boss', '#terry@old.example#boss#'])
    assert.deepEqual(shown(login, { userName: name }), [name])
})

test('an admin, in the form of each server', () => {
  const admin = { kind: 'admin', user: 'boss', password: 'vault:boss' }
  const only = (form: string, more: object = {}) => {
    const [one, ...others] = formsOf({ ...admin, form, ...more })
    assert.equal(others.length, 0)
    return one
  }
  assert.deepEqual(only('sasl')?.login, { kind: 'password', user: 'boss', password: 'top', authzid: 'terry' })
  assert.deepEqual(only('dovecot')?.login, { kind: 'password', user: 'terry*boss', password: 'top' })
  assert.equal(only('dovecot', { separator: '%' })?.shown, 'terry%boss')
  assert.equal(only('exchange', { domain: 'contoso' })?.shown, 'contoso/boss/terry')
  assert.equal(only('mirapoint')?.shown, '#terry@new.example#boss#')
  const courier = only('courier')
  assert.deepEqual([courier?.shown, courier?.root], ['boss', '/users/terry'])
  assert.equal(only('courier', { root: 'shared/{user}/mail' })?.root, 'shared/terry/mail')
  assert.deepEqual(shown(admin), ['boss for terry', 'terry*boss'])
  assert.equal(formsOf({ ...admin, form: 'courier' }, { userRoot: '/users/t.adams' })[0]?.root, '/users/t.adams')
})

test('the target is opened by its own name and password, else by the address', () => {
  const [one] = formsOf({ kind: 'password' }, { targetUserName: 'adams' }, 'target')
  assert.deepEqual(one?.login, { kind: 'password', user: 'adams', password: 'new' })
  assert.equal(formsOf({ kind: 'password' }, {}, 'target')[0]?.shown, 'terry@new.example')
})

test('the likeliest first, few in all, and only one where a form is sure', () => {
  const all = formsOf({ kind: 'admin', user: 'boss', password: 'vault:boss', domain: 'contoso' })
  const order = (own: string, proven: readonly { form: string; worked: number }[]) =>
    inOrder(all, own, proven).map(({ form }) => form)
  assert.deepEqual(order('', []), ['sasl', 'dovecot', 'exchange'])
  assert.deepEqual(order('', [{ form: 'exchange', worked: 1 }]), ['exchange', 'sasl', 'dovecot'])
  assert.deepEqual(order('', [{ form: 'exchange', worked: 3 }]), ['exchange'])
  assert.deepEqual(order('dovecot', [{ form: 'exchange', worked: 9 }]), ['dovecot'])
  assert.ok(order('', []).length <= mostTries)
})
