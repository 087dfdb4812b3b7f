/** The one cipher of node-forge 1.4 that is used; the package brings no types. Bytes are characters of a string. */
declare module 'node-forge/lib/rc2.js' {
  type Bytes = { getBytes(): string; putBytes(bytes: string): void }
  type Cipher = {
    start(iv: string): void
    update(input: Bytes): void
    /** false: the padding is wrong. */
    finish(): boolean
    readonly output: Bytes
  }
  const rc2: { createDecryptionCipher(key: string, bits: number): Cipher }
  export default rc2
}
declare module 'node-forge/lib/util.js' {
  const util: { createBuffer(bytes: string): { getBytes(): string; putBytes(bytes: string): void } }
  export default util
}
