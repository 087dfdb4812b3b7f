/** Scenes 1 to 3: two tenants share one domain (the first of the situations in docs/flow.md). */
import { addressesIn, fieldText, type Person } from '../letter/letter.ts'
import type { Judged } from '../outside/outside.ts'
import type { Submitted, User } from '../user/user.ts'
import { john, johnShared, mary, maryShared, pat, secret } from './cast.ts'
import { arrival, asSent, check, checkEqual, compare, items, open, outside, party, type Stage, say } from './stage.ts'

export type Conversation = { readonly sent: Submitted; readonly got: Judged | undefined }

/** John and Mary write to the outside world. */
export async function outward(stage: Stage): Promise<{ readonly johns: Conversation; readonly marys: Conversation }> {
  open(
    stage,
    'Two tenants, one domain: John and Mary write to a customer',
    `John has his mailbox in tenant1, as ${john.address}. Mary has hers in tenant2, as ${mary.address}. Neither tenant owns shared.example; the world
    knows both of them by it. Each writes to ${pat.address}. Their tenants hand the message to Causeway, which rewrites and signs it and returns it to
    the tenant it came from (outbound: return); the tenant delivers it by MX.`,
  )
  const johns = await writeOut(
    stage,
    party(stage, 'tenant1').user(john.address),
    'Offer',
    'Dear Pat, here is our offer. John',
  )
  const marys = await writeOut(
    stage,
    party(stage, 'tenant2').user(mary.address),
    'Invoice',
    'Dear Pat, here is the invoice. Mary',
  )
  if (johns.got !== undefined) {
    compare(
      stage,
      { title: 'John sent', message: asSent(johns.sent, pat.address) },
      { title: 'Pat received', message: johns.got },
    )
    say(
      stage,
      'What the server of partner.example said about it (SPF, DKIM and DMARC by mailauth, which is not our code):',
    )
    items(stage, johns.got.verdict.words)
  }
  checkOutside(stage, 'John', johns.got, johnShared)
  checkOutside(stage, 'Mary', marys.got, maryShared)
  say(
    stage,
    `A certificate shows whose mail it is. For tenant2 that is not enough: a rule there adds the field ${secret.header} with a secret value, and without it
    the message would be a stranger's. The secret must stay between the two.`,
  )
  const leaked = marys.got === undefined || fieldText(marys.got.raw, secret.header.toLowerCase()) !== ''
  check(stage, "tenant2's secret did not leave with Mary's message", !leaked)
  return { johns, marys }
}

async function writeOut(stage: Stage, from: User, subject: string, text: string): Promise<Conversation> {
  const sent = await from.write({ to: [pat], subject, text })
  return { sent, got: await arrival(outside(stage).user(pat.address), sent) }
}

/** What the world must see of a person, and what it must not. */
export function checkOutside(stage: Stage, name: string, got: Judged | undefined, shown: string): void {
  if (got === undefined) return check(stage, `${name}'s mail arrives outside`, false)
  const domain = shown.slice(shown.indexOf('@') + 1)
  checkEqual(stage, `${name} is seen as ${shown} (From)`, addressesIn(got.raw, 'from').join(), shown)
  checkEqual(stage, `${name}'s envelope sender is ${shown} too`, got.mailFrom, shown)
  const signature = got.verdict.dkim.find((each) => each.domain === domain)
  check(
    stage,
    `DKIM passes for ${domain}, DMARC passes`,
    signature?.result === 'pass' && got.verdict.dmarc === 'pass',
    got.verdict.words.join('; '),
  )
}

/** Pat answers both; each answer finds its own tenant. */
export async function answers(stage: Stage, johns: Conversation, marys: Conversation): Promise<void> {
  open(
    stage,
    'The customer answers, and each answer finds the right tenant',
    `The MX of shared.example is Causeway. Pat only knows addresses in shared.example; the directory says in which tenant the mailbox is, and the recipient
    sees the address of that mailbox.`,
  )
  await answer(stage, 'John', johns, party(stage, 'tenant1').user(john.address))
  await answer(stage, 'Mary', marys, party(stage, 'tenant2').user(mary.address))
}

export async function answer(stage: Stage, name: string, to: Conversation, home: User): Promise<void> {
  if (to.got === undefined) return check(stage, `there is something of ${name}'s to answer`, false)
  const writer = outside(stage).user(pat.address)
  const sent = await writer.answer(to.got, 'Thank you. Pat')
  const got = await arrival(home, sent)
  if (got !== undefined)
    compare(
      stage,
      { title: 'Pat answered', message: asSent(sent, sent.results[0]?.recipient ?? '') },
      { title: `${name} received`, message: got },
    )
  check(
    stage,
    `the answer arrives in ${name}'s mailbox ${home.person.address}`,
    got !== undefined,
    sent.results.map((r) => r.reply).join(),
  )
  checkEqual(
    stage,
    `it is addressed to ${home.person.address}`,
    got === undefined ? '' : addressesIn(got.raw, 'to').join(),
    home.person.address,
  )
}

/** One message to a colleague in the other tenant and to the outside: two copies. */
export async function split(stage: Stage): Promise<void> {
  open(
    stage,
    'One message to a colleague and to a customer becomes two copies',
    'John writes to Mary by her shared address, with a copy to Pat. Mary is inside, so her copy goes to tenant2 as it is seen from inside; Pat gets the copy that the outside world may see.',
  )
  const colleague: Person = { name: mary.name, address: maryShared }
  const sent = await party(stage, 'tenant1')
    .user(john.address)
    .write({ to: [colleague], cc: [pat], subject: 'Meeting notes', text: 'Here are the notes.' })
  const [inside, far] = await Promise.all([
    arrival(party(stage, 'tenant2').user(mary.address), sent),
    arrival(outside(stage).user(pat.address), sent),
  ])
  if (inside !== undefined && far !== undefined)
    compare(
      stage,
      { title: 'Mary received (inside)', message: inside },
      { title: 'Pat received (outside)', message: far },
    )
  checkEqual(
    stage,
    'Mary sees herself by her own address',
    inside === undefined ? '' : addressesIn(inside.raw, 'to').join(),
    mary.address,
  )
  checkEqual(
    stage,
    'Mary sees John as he is inside',
    inside === undefined ? '' : addressesIn(inside.raw, 'from').join(),
    john.address,
  )
  checkEqual(
    stage,
    'Pat sees only shared addresses',
    far === undefined ? '' : [...addressesIn(far.raw, 'from'), ...addressesIn(far.raw, 'to')].join(),
    `${johnShared},${maryShared}`,
  )
  check(stage, 'the copy outside passes DMARC', far?.verdict.dmarc === 'pass', far?.verdict.words.join('; '))
}
