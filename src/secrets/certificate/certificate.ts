/**
 * Certificates (X.509, RFC 5280): whose they are, whether their chain holds, and what a tenant's certificate must be like.
 *
 * Promises: a chain counts only when dates, names, purposes, strength and every signature up to a root of the caller hold.
 * Never: asks the network, so nothing is known of revocation (docs/certificates.md); trusts a root that it was not handed.
 * On failure: a reason that ends a sentence.
 */
export { type Candidate, type CandidateAnswer, readCandidate } from './candidate.ts'
export { publicAuthorities, readBundle, type Verified, verifyChain } from './chain.ts'
export { checkCertificate, type Demand, type Point } from './check.ts'
export { certificateNames } from './names.ts'
