/** Puts another function in the place of a method for a while: how tests plant a bug. */

// oxlint-disable-next-line typescript/no-explicit-any -- any method of any class
type Method = (...args: any[]) => any

/** Puts `make(original)` in the place of a method or a getter of `target` itself; returns what puts the original back. */
export function replaceMethod(target: object, method: string, make: (original: Method) => unknown): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(target, method) as PropertyDescriptor
  if (descriptor.get !== undefined) {
    Object.defineProperty(target, method, { ...descriptor, get: make(descriptor.get) as () => unknown })
  } else Object.defineProperty(target, method, { ...descriptor, value: make(descriptor.value as Method) })
  return () => Object.defineProperty(target, method, descriptor)
}
