/** @file Little-endian numbers into bytes, one after another or at a place. */

/** Writes into an array that is large enough. */
export class ByteWriter {
  /** Where the next number goes. */
  at = 0;
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Goes to a byte. */
  seek(at: number): this {
    this.at = at;
    return this;
  }

  u8(value: number): this {
    this.view.setUint8(this.at, value);
    this.at += 1;
    return this;
  }

  u16(value: number): this {
    this.view.setUint16(this.at, value, true);
    this.at += 2;
    return this;
  }

  u32(value: number): this {
    this.view.setUint32(this.at, value, true);
    this.at += 4;
    return this;
  }

  u64(value: number | bigint): this {
    this.view.setBigUint64(this.at, BigInt.asUintN(64, BigInt(value)), true);
    this.at += 8;
    return this;
  }

  put(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }
}
