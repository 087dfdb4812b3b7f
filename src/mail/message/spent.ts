/**
 * Gives the memory of bytes back at once, of which the caller knows that nobody reads them any more: the collector looks at what lies
 * outside of its heap only when that has grown by 64 MB. Nothing happens to a view on a part of something.
 */
export function spend(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0)
}
