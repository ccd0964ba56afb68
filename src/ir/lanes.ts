/**
 * @file The vocabulary in which elementwise operations are written for the engine: vectors of four 32-bit lanes, floats
 * or integers. A backend implements it once (the WebAssembly one emits instructions), each operation uses it once.
 */

/** `L` stands for a vector: in WebAssembly a `v128` in a local. Comparisons give masks, all ones or all zeros. */
export interface Lanes<L> {
  float(value: number): L;
  int(value: number): L;
  /** Place of each lane's element in the output, row-major, as integers. */
  index(): L;

  add(a: L, b: L): L;
  sub(a: L, b: L): L;
  mul(a: L, b: L): L;
  div(a: L, b: L): L;
  /** a·b + c: fused where the arithmetic says so, else rounded twice. */
  madd(a: L, b: L, c: L): L;
  min(a: L, b: L): L;
  max(a: L, b: L): L;
  /** max(a, limit) and min(a, limit) where `limit` is not NaN: `a` stays if it is, and its sign if both are zero. */
  atLeast(a: L, limit: L): L;
  atMost(a: L, limit: L): L;
  neg(a: L): L;
  abs(a: L): L;
  sqrt(a: L): L;
  floor(a: L): L;
  /** Round to nearest, ties to even. */
  nearest(a: L): L;

  equal(a: L, b: L): L;
  less(a: L, b: L): L;
  lessEqual(a: L, b: L): L;

  /** `mask ? a : b`, lane by lane; bits for integers and floats alike. */
  select(mask: L, a: L, b: L): L;
  and(a: L, b: L): L;
  or(a: L, b: L): L;
  xor(a: L, b: L): L;
  not(a: L): L;

  intAdd(a: L, b: L): L;
  intSub(a: L, b: L): L;
  intMul(a: L, b: L): L;
  intEqual(a: L, b: L): L;
  intLess(a: L, b: L): L;
  shiftLeft(a: L, bits: number): L;
  shiftRightUnsigned(a: L, bits: number): L;
  shiftRightSigned(a: L, bits: number): L;
  /** Integer to nearest float. */
  toFloat(a: L): L;
  /** Float to integer, toward zero, saturating; NaN gives 0. */
  toInt(a: L): L;
}
