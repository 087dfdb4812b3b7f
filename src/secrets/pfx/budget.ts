/**
 * How much work a password may cost. The file itself says how often its password is to be hashed, up to 2^31-1 times: minutes
 * in which nothing else would happen. Each count is drawn from one budget before anything is computed.
 */
export const maxIterations = 1_000_000

/** Why a PKCS #12 file gave nothing. */
export type Trouble =
  | { readonly trouble: 'password' }
  | { readonly trouble: 'damaged' }
  | { readonly trouble: 'slow'; readonly detail: string }
  | { readonly trouble: 'unsupported'; readonly detail: string }

export type Budget = { spend(iterations: number | undefined): Trouble | undefined }

export function makeBudget(): Budget {
  let left = maxIterations
  return {
    spend(iterations) {
      if (iterations === undefined || iterations < 1) return { trouble: 'damaged' }
      if (iterations > left) {
        const count = Number.isFinite(iterations) ? String(iterations) : 'more than 2^48'
        return { trouble: 'slow', detail: count }
      }
      left -= iterations
      return undefined
    },
  }
}

export const isTrouble = (answer: object): answer is Trouble => 'trouble' in answer
