/** Scene 4: Day One and Day Two of a migration, through `return`. */
import { addressesIn } from '../letter/letter.ts'
import { ann, annShown, bob, bobShown, pat } from './cast.ts'
import { answer, type Conversation, checkOutside } from './shared-domain.ts'
import { arrival, asSent, check, compare, open, outside, party, type Stage, say } from './stage.ts'

type Mover = {
  readonly person: typeof ann
  readonly shown: string
  readonly tenant: string
  readonly address: string
  readonly name: string
}

export async function dayOneDayTwo(stage: Stage): Promise<void> {
  open(
    stage,
    'A migration: Day One and Day Two',
    `Everybody moves from source.example to target.example. Ann has not moved yet but is shown as if (Day One, "Rewrite with Target Address"). Bob has moved and is
    still shown as before (Day Two, "Rewrite with Source Address"). Both go out through the tenant that has the mailbox: Causeway hands the rewritten message back
    to it with a client certificate for one of its accepted domains, which is what Exchange Online asks of whoever relays.`,
  )
  await outAndBack(stage, { person: ann, shown: annShown, tenant: 'source', address: '127.0.0.13', name: 'Ann' })
  say(
    stage,
    `${annShown} is target's by MX. There a transport rule hands it to Causeway, which knows that Ann still lives in source.`,
  )
  await outAndBack(stage, { person: bob, shown: bobShown, tenant: 'target', address: '127.0.0.14', name: 'Bob' })
}

async function outAndBack(stage: Stage, mover: Mover): Promise<void> {
  const { person, shown, name } = mover
  const home = party(stage, mover.tenant).user(person.address)
  const sent = await home.write({ to: [pat], subject: `News from ${name}`, text: 'News.' })
  const got = await arrival(outside(stage).user(pat.address), sent)
  if (got !== undefined)
    compare(
      stage,
      { title: `${name} sent`, message: asSent(sent, pat.address) },
      { title: 'Pat received', message: got },
    )
  checkOutside(stage, name, got, shown)
  await checkCarrier(stage, mover, { sent, got })
  await answer(stage, name, { sent, got }, home)
}

/** `return`: the tenant took the rewritten message because of our certificate, and delivered it from its own address. */
async function checkCarrier(
  stage: Stage,
  { tenant, address, name, shown }: Mover,
  { sent, got }: Conversation,
): Promise<void> {
  await party(stage, tenant).settled()
  const legs = party(stage, tenant).legs.filter((leg) => leg.messageId === sent.messageId)
  const ways = legs.map((leg) => leg.way)
  check(
    stage,
    `${name}'s mail left through ${tenant}: gateway and back, then the internet`,
    ways.join() === 'gateway,internet',
    ways.join(),
  )
  const relayed = legs.find((leg) => leg.way === 'internet')
  check(
    stage,
    `${tenant} relayed ${shown} by our certificate (no 5.7.64)`,
    relayed?.attribution?.includes('certificate') === true,
    relayed?.attribution,
  )
  check(
    stage,
    `it reached partner.example from ${tenant}'s own address`,
    got?.client === address,
    `${got?.client}, ${addressesIn(got?.raw ?? Buffer.alloc(0), 'from').join()}`,
  )
}
