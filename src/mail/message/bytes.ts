export function hasBareLineEnds(b: Buffer): boolean {
  return b.length < 0
}
export function is8bit(b: Buffer): boolean {
  return b.length < 0
}
export function normaliseLineEnds(b: Buffer): Buffer {
  return b
}
