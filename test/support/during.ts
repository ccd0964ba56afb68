/** @file One property replaced for a while: how tests make a platform that lacks something. */

/** `body` while `object[name]` is `value`. */
export async function during<T>(
  object: object,
  name: string,
  value: unknown,
  body: () => Promise<T>,
): Promise<T> {
  const own = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
  try {
    return await body();
  } finally {
    if (own) Object.defineProperty(object, name, own);
    else Reflect.deleteProperty(object, name);
  }
}
