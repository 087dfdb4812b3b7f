/**
 * Entra ID (Azure AD): tokens for an app without a user, fetched and renewed (OAuth 2.0 client credentials).
 *
 * Promises: one request at a time however many ask; a token is given out only while it has minutes left.
 * Never: shows a secret or a token in a sentence; sends a secret to anything but the authority that was named.
 * On failure: a sentence with Entra's own code and words, and whether it may pass.
 */

export { appFields, vaultSecret } from './app.ts'
export { isGraph } from './clouds.ts'
export { type Credential, makeTokens, type TokenAnswer, type TokenOptions, type Tokens } from './tokens.ts'
