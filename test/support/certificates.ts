/** Certificates for tests: the lab's, which come in every way of being wrong as well. */
export {
  asIdentity,
  type Ca,
  type Issued,
  type IssueOptions,
  issue,
  makeCa,
} from '../../src/lab/certificates/certificates.ts'
