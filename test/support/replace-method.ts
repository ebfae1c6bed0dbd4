/** Puts another function in the place of a method for a while: how tests plant a bug. */

// oxlint-disable-next-line typescript/no-explicit-any -- any method of any class
type Method = (...args: any[]) => any

/** Puts `make(original)` in the place of a method; returns what puts the original back. */
export function replaceMethod(target: object, method: string, make: (original: Method) => unknown): () => void {
  const methods = target as Record<string, unknown>
  const original = methods[method]
  methods[method] = make(original as Method)
  return () => {
    methods[method] = original
  }
}
