/** Scene 6: John moves between two mails. */
import { john, johnMoved, johnShared, pat } from './cast.ts'
import { arrival, asSent, check, compare, open, outside, party, type Stage, say } from './stage.ts'

const withinMs = 1000

export async function move(stage: Stage): Promise<void> {
  open(
    stage,
    'John moves to the other tenant between two mails',
    'Pat writes to John twice, to the same address. In between the directory is told that John lives in tenant2 now: one change to one entry, no restart.',
  )
  const writer = outside(stage).user(pat.address)
  const [before, after] = [party(stage, 'tenant1').user(john.address), party(stage, 'tenant2').user(johnMoved.address)]
  const letter = (subject: string) =>
    writer.write({ to: [{ name: john.name, address: johnShared }], subject, text: 'Where are you?' })
  const first = await letter('Before the move')
  const atOld = await arrival(before, first)
  check(
    stage,
    `the first one arrives in tenant1, at ${john.address}`,
    atOld !== undefined,
    first.results.map((r) => r.reply).join(),
  )

  const asked = performance.now()
  await stage.api.move(johnShared, 'tenant2')
  const second = await letter('After the move')
  const atNew = await arrival(after, second)
  const took = Math.round(performance.now() - asked)
  if (atOld !== undefined && atNew !== undefined) {
    compare(
      stage,
      { title: 'first mail, as it arrived', message: atOld },
      { title: 'second mail, as it arrived', message: atNew },
    )
    say(stage, `From asking for the move to the second mail lying in the other tenant's mailbox: ${took} ms.`)
  }
  check(
    stage,
    `the second one arrives in tenant2, at ${johnMoved.address}`,
    atNew !== undefined,
    second.results.map((r) => r.reply).join(),
  )
  check(stage, 'the move was live within a second', atNew !== undefined && took < withinMs, `${took} ms`)
  await showsTheSame(stage)
}

/** To the world nothing has changed. */
async function showsTheSame(stage: Stage): Promise<void> {
  const sent = await party(stage, 'tenant2')
    .user(johnMoved.address)
    .write({ to: [pat], subject: 'I have moved', text: 'Did you notice?' })
  const got = await arrival(outside(stage).user(pat.address), sent)
  if (got !== undefined)
    compare(
      stage,
      { title: 'John sent, from tenant2', message: asSent(sent, pat.address) },
      { title: 'Pat received', message: got },
    )
  check(stage, `John, now in tenant2, is still ${johnShared} to the world`, got?.mailFrom === johnShared, got?.mailFrom)
}
