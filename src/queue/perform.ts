/** One operation, on the thread. */
import type { Db } from '../store/store.ts'
import { stepByHand, stepResume } from './by-hand.ts'
import type { Change } from './change.ts'
import { checkQueue } from './check.ts'
import { claimWork } from './claim.ts'
import { finishWork } from './finish.ts'
import { joinLate, lanesOfLate } from './join.ts'
import { listAttempts, noteAttempt, noteReturn, settleAttempts } from './ledger.ts'
import {
  contentSlice,
  countHeld,
  listDomains,
  listLanes,
  listMessages,
  nextHeld,
  oldestMessage,
  showMessage,
} from './look.ts'
import type { Answer, Read, Write } from './messages.ts'
import { abandonParts, putMessage, putPart } from './put.ts'
import { endOrder, lastOrder, letGo, listOrders, setOrder } from './release-orders.ts'
import { claim as sql } from './sql.ts'
import { takeFigures } from './take-figures.ts'
import { sweepStep } from './tidy.ts'

export function performWrite(c: Change, ask: Write): Answer {
  switch (ask.do) {
    case 'put':
      return putMessage(c, ask.message)
    case 'part':
      putPart(c, ask)
      return undefined
    case 'abandon':
      abandonParts(c, ask.id)
      return undefined
    case 'claim':
      return claimWork(c, ask.query)
    case 'extend':
      return c.db.run(sql.extend, Number(ask.token), c.at + c.leaseMs) > 0
    case 'join':
      return joinLate(c, ask.token, ask.late)
    case 'finish':
      return finishWork(c, ask)
    case 'byHand':
      return stepByHand(c, ask)
    case 'resume':
      return stepResume(c, ask)
    case 'order':
      setOrder(c, ask.order)
      return undefined
    case 'endOrder':
      return endOrder(c, ask.domain)
    case 'letGo':
      return letGo(c, ask.domain, ask.step)
    case 'attempted':
      noteAttempt(c, ask.attempt)
      return undefined
    case 'cameBack':
      noteReturn(c, ask)
      return undefined
    case 'settleAttempts':
      return settleAttempts(c, ask.domain, ask.by)
    case 'sweep':
      return sweepStep(c)
  }
}

export function performRead(db: Db, ask: Read, at: number): Answer {
  switch (ask.do) {
    case 'content':
      return contentSlice(db, ask.id, ask.from)
    case 'list':
      return listMessages(db, { ...ask, at })
    case 'lateLanes':
      return lanesOfLate({ db }, ask.token, ask.late)
    case 'show':
      return showMessage(db, ask.id)
    case 'totals':
      return takeFigures(db)
    case 'lanes':
      return listLanes(db)
    case 'oldest':
      return oldestMessage(db)
    case 'check':
      return checkQueue(db)
    case 'orders':
      return listOrders(db)
    case 'lastOrder':
      return lastOrder(db, ask.domain)
    case 'domains':
      return listDomains(db)
    case 'heldFor':
      return countHeld(db, ask)
    case 'nextHeld':
      return nextHeld(db, ask)
    case 'attempts':
      return listAttempts(db, ask.domain, ask.limit, ask.after)
  }
}
