/** @file LEB128: whole numbers in seven bits a byte, the lowest first; all bytes but the last have their high bit set. */

/** A number of 32 bits, unsigned. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  while (rest > 127) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

/** A signed number, exact in float64. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest < -64 || rest > 63) {
    const low = rest & 0x7f;
    bytes.push(low | 0x80);
    rest = (rest - low) / 128;
  }
  bytes.push(rest & 0x7f);
  return bytes;
}
